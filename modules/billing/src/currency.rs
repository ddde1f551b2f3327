//! Currencies as they are stored.

use std::{fmt, str::FromStr};

use kernel::{Currency, Money, MoneyError};
use sea_orm::DeriveValueType;

/// The column of a currency: three capital letters. A row that holds something else is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveValueType)]
#[sea_orm(value_type = "String")]
pub(crate) struct CurrencyCode(pub(crate) Currency);

impl CurrencyCode {
    /// `amount` minor units.
    pub(crate) const fn money(self, amount: i64) -> Money {
        Money::new(amount, self.0)
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CurrencyCode {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Currency::try_from(code.to_owned()).map(Self)
    }
}
