//! The price list: plans with their prices, features, seat limits and meters.
//!
//! *Invariant*: a [`Catalog`] that exists is valid; the mistakes of a file are told by
//! [`Catalog::parse`], all at once.

mod file;
pub(crate) mod http;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::Path};

use billing_api::MeterAllowance;
use kernel::{Currency, Money};
use sea_orm::{DeriveActiveEnum, EnumIter, prelude::StringLen};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use file::CatalogError;

/// What can be bought, and what it brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    plans: Vec<Plan>,
    default: usize,
    meters: BTreeMap<String, String>,
}

impl Catalog {
    /// Reads the price list in the file `path`.
    ///
    /// # Errors
    /// The file cannot be read, or what [`Catalog::parse`] refuses.
    pub fn read(path: &Path) -> Result<Self, CatalogError> {
        file::read(path)
    }

    /// Reads a price list; `plans.toml` beside the module's `src` shows the format.
    ///
    /// # Errors
    /// Text that is no TOML or not of the format, or every mistake in the list at once.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        file::parse(text)
    }

    /// The price list that comes with the module.
    ///
    /// # Panics
    /// Never: it is part of the program, and a test reads it.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(include_str!("../../plans.toml")).expect("the shipped price list is valid")
    }

    /// The plans on sale, in the file's order.
    pub fn on_sale(&self) -> impl Iterator<Item = &Plan> {
        self.plans.iter().filter(|plan| !plan.archived)
    }

    /// The plan that is in force without a subscription.
    #[must_use]
    pub fn default_plan(&self) -> &Plan {
        &self.plans[self.default]
    }

    /// The plan `id`, on sale or not.
    #[must_use]
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// The price `id` and its plan, if it is on sale.
    #[must_use]
    pub fn price(&self, id: &str) -> Option<(&Plan, &Price)> {
        self.on_sale()
            .find_map(|plan| Some((plan, plan.prices.iter().find(|price| price.id == id)?)))
    }

    /// Whether usage of `meter` can be reported.
    #[must_use]
    pub fn has_meter(&self, meter: &str) -> bool {
        self.meters.contains_key(meter)
    }
}

impl Default for Catalog {
    /// The price list that comes with the module.
    fn default() -> Self {
        Self::shipped()
    }
}

/// Something to subscribe to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Stable for ever.
    #[schema(example = "team")]
    pub id: String,
    /// What people read.
    pub name: String,
    /// One sentence for people.
    pub description: String,
    /// What it can be bought for; none for a plan that costs nothing.
    pub prices: Vec<Price>,
    /// What it allows, as stable names.
    pub features: Vec<String>,
    /// How many seats it can have.
    pub seats: SeatLimits,
    /// What it includes of each meter, per calendar month in UTC.
    pub meters: BTreeMap<String, MeterAllowance>,
    /// Whether it is no longer on sale.
    #[serde(skip)]
    pub archived: bool,
}

/// What one seat costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Stable for ever.
    #[schema(example = "team_monthly_eur")]
    pub id: String,
    /// ISO 4217.
    pub currency: Currency,
    /// Minor units for a seat and interval; more than zero.
    #[schema(example = 1200)]
    pub unit_amount: i64,
    /// How often it is paid.
    pub interval: Interval,
}

impl Price {
    /// What one seat costs for one interval.
    #[must_use]
    pub const fn unit(&self) -> Money {
        Money::new(self.unit_amount, self.currency)
    }
}

/// How often a price is paid.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(10))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Every calendar month, on the day of the start.
    Month,
    /// Every year, on the day of the start.
    Year,
}

impl Interval {
    /// Its length in calendar months.
    #[must_use]
    pub const fn months(self) -> i32 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }
}

/// How many seats a subscription to a plan can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeatLimits {
    /// At least one.
    pub min: u32,
    /// At most; not less than `min`.
    pub max: u32,
}

impl SeatLimits {
    /// Whether `quantity` seats can be bought.
    #[must_use]
    pub const fn allow(self, quantity: u32) -> bool {
        self.min <= quantity && quantity <= self.max
    }
}
