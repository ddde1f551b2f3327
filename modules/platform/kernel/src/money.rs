//! Amounts of money: whole minor units of a currency, checked arithmetic.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An ISO 4217 alphabetic code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "EUR")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");
    /// The United States dollar.
    pub const USD: Self = Self(*b"USD");

    /// Three capital letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many digits follow the decimal point when an amount is shown (ISO 4217, 2024 list).
    #[must_use]
    pub fn minor_digits(self) -> usize {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        match code.as_bytes() {
            &[a, b, c] if code.bytes().all(|byte| byte.is_ascii_uppercase()) => Ok(Self([a, b, c])),
            _ => Err(MoneyError::Currency(code)),
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units (cents for EUR), which may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units of `currency`: 1250 is 12.50 EUR, and 1250 JPY.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

impl Money {
    /// `amount` counts minor units.
    #[must_use]
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// # Errors
    /// Different currencies, or a sum beyond `i64`.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        self.amount
            .checked_add(other.amount)
            .map(|amount| Self::new(amount, self.currency))
            .ok_or(MoneyError::Overflow)
    }

    /// Multiplies in `i128`, so that only the result must fit.
    ///
    /// # Errors
    /// A product beyond `i64`.
    pub fn checked_mul(self, factor: i64) -> Result<Self, MoneyError> {
        i64::try_from(i128::from(self.amount) * i128::from(factor))
            .map(|amount| Self::new(amount, self.currency))
            .map_err(|_| MoneyError::Overflow)
    }
}

impl fmt::Display for Money {
    /// `12.50 EUR`: for people, not for parsing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.minor_digits();
        let sign = if self.amount < 0 { "-" } else { "" };
        let amount = self.amount.unsigned_abs();
        if digits == 0 {
            return write!(f, "{sign}{amount} {}", self.currency);
        }
        let unit = 10_u64.pow(u32::try_from(digits).unwrap_or(2));
        write!(f, "{sign}{}.{:0digits$} {}", amount / unit, amount % unit, self.currency)
    }
}

/// Why an amount could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Amounts of different currencies do not add up.
    #[error("{0} and {1} cannot be added")]
    Mixed(Currency, Currency),
    /// Beyond what 64 bits hold.
    #[error("the amount is too large")]
    Overflow,
    /// Not an ISO 4217 code.
    #[error("`{0}` is not a currency code of three capital letters")]
    Currency(String),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shows_each_currency_with_its_own_digits() {
        let kwd = Currency::try_from("KWD".to_owned()).expect("a code");
        let jpy = Currency::try_from("JPY".to_owned()).expect("a code");
        assert_eq!(Money::new(-1205, Currency::EUR).to_string(), "-12.05 EUR");
        assert_eq!(Money::new(1205, jpy).to_string(), "1205 JPY");
        assert_eq!(Money::new(1205, kwd).to_string(), "1.205 KWD");
    }

    #[test]
    fn refuses_what_is_not_a_code() {
        for code in ["", "eur", "EURO", "E1R", "€"] {
            assert!(parse(code).is_err(), "{code}");
        }
    }

    fn parse(code: &str) -> Result<Currency, MoneyError> {
        Currency::try_from(code.to_owned())
    }

    proptest! {
        #[test]
        fn adds_as_whole_numbers_do(a: i64, b: i64) {
            let sum = Money::new(a, Currency::EUR).checked_add(Money::new(b, Currency::EUR));
            prop_assert_eq!(sum.ok().map(|sum| sum.amount), a.checked_add(b));
        }

        #[test]
        fn multiplies_as_whole_numbers_do(a: i64, b: i64) {
            let product = Money::new(a, Currency::EUR).checked_mul(b);
            prop_assert_eq!(product.ok().map(|product| product.amount), a.checked_mul(b));
        }
    }
}
