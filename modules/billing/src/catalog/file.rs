//! The file that an operator edits.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use billing_api::MeterAllowance;
use kernel::Currency;
use serde::Deserialize;

use super::{Catalog, Interval, Plan, Price, SeatLimits};

/// Why a price list cannot be used. An operator reads it among the other mistakes at start, so
/// that what it says is all there is to know.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// Not TOML, or not of the format.
    #[error("the price list is not of its format: {0}")]
    Format(Box<toml::de::Error>),
    /// Of the format, with mistakes in it: all of them.
    #[error("the price list has mistakes: {}", .0.join("; "))]
    Mistakes(Vec<String>),
}

pub(super) fn read(path: &Path) -> Result<Catalog, CatalogError> {
    let text = fs::read_to_string(path)
        .map_err(|reason| CatalogError::Read { path: path.to_owned(), reason })?;
    parse(&text)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    #[serde(default)]
    meters: Vec<MeterEntry>,
    plans: Vec<PlanEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MeterEntry {
    id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanEntry {
    id: String,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    default: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    prices: Vec<PriceEntry>,
    #[serde(default)]
    features: Vec<String>,
    seats: SeatLimits,
    #[serde(default)]
    meters: BTreeMap<String, AllowanceEntry>,
}

/// Looser than [`Price`], so that a wrong currency is one mistake among others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    id: String,
    currency: String,
    unit_amount: i64,
    interval: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowanceEntry {
    included: u64,
}

pub(super) fn parse(text: &str) -> Result<Catalog, CatalogError> {
    let file: CatalogFile =
        toml::from_str(text).map_err(|error| CatalogError::Format(Box::new(error)))?;
    let mut check = Check::default();
    let meters = check.meters(file.meters);
    let defaults: Vec<usize> = file
        .plans
        .iter()
        .enumerate()
        .filter_map(|(index, plan)| plan.default.then_some(index))
        .collect();
    if defaults.len() != 1 {
        check.mistake(format!("{} plans are marked `default = true`; mark one", defaults.len()));
    }
    let plans = file.plans.into_iter().map(|plan| check.plan(plan, &meters)).collect();
    match (defaults.first(), check.mistakes.is_empty()) {
        (Some(default), true) => Ok(Catalog { plans, default: *default, meters }),
        _ => Err(CatalogError::Mistakes(check.mistakes)),
    }
}

/// Collects mistakes instead of stopping at the first.
#[derive(Default)]
struct Check {
    mistakes: Vec<String>,
    plan_ids: BTreeSet<String>,
    price_ids: BTreeSet<String>,
}

impl Check {
    fn mistake(&mut self, mistake: String) {
        self.mistakes.push(mistake);
    }

    fn meters(&mut self, entries: Vec<MeterEntry>) -> BTreeMap<String, String> {
        let mut meters = BTreeMap::new();
        for MeterEntry { id, name } in entries {
            self.id("meter", &id);
            if meters.insert(id.clone(), name).is_some() {
                self.mistake(format!("the meter `{id}` is there twice"));
            }
        }
        meters
    }

    fn plan(&mut self, entry: PlanEntry, known_meters: &BTreeMap<String, String>) -> Plan {
        let PlanEntry { id, name, description, default, archived, .. } = entry;
        self.id("plan", &id);
        if !self.plan_ids.insert(id.clone()) {
            self.mistake(format!("the plan `{id}` is there twice"));
        }
        if name.trim().is_empty() || name.chars().count() > 100 {
            self.mistake(format!("the name of plan `{id}` has not 1 to 100 characters"));
        }
        let SeatLimits { min, max } = entry.seats;
        if min == 0 || min > max {
            self.mistake(format!("the seats of plan `{id}` are not 1 ≤ min ≤ max"));
        }
        if default && !entry.prices.is_empty() {
            self.mistake(format!("the default plan `{id}` has prices; it costs nothing"));
        }
        if default && archived {
            self.mistake(format!("the default plan `{id}` is archived; it is always in force"));
        }
        if !default && entry.prices.is_empty() {
            self.mistake(format!("the plan `{id}` has no price and is not the default"));
        }
        for feature in &entry.features {
            self.id("feature", feature);
        }
        for meter in entry.meters.keys().filter(|meter| !known_meters.contains_key(*meter)) {
            self.mistake(format!(
                "the plan `{id}` includes the meter `{meter}`, which is not listed"
            ));
        }
        let prices =
            entry.prices.into_iter().filter_map(|price| self.price(price, &id, max)).collect();
        let allowance = |(meter, allowance): (String, AllowanceEntry)| {
            (meter, MeterAllowance { included: allowance.included })
        };
        let meters = entry.meters.into_iter().map(allowance).collect();
        let features = entry.features;
        Plan { id, name, description, prices, features, seats: entry.seats, meters, archived }
    }

    fn price(&mut self, entry: PriceEntry, plan: &str, most_seats: u32) -> Option<Price> {
        let PriceEntry { id, currency, unit_amount, interval } = entry;
        self.id("price", &id);
        if !self.price_ids.insert(id.clone()) {
            self.mistake(format!("the price `{id}` is there twice"));
        }
        if unit_amount <= 0 {
            self.mistake(format!("the unit_amount of price `{id}` is not more than zero"));
        } else if unit_amount.checked_mul(i64::from(most_seats)).is_none() {
            self.mistake(format!(
                "the unit_amount of price `{id}` is too large for all seats of plan `{plan}`"
            ));
        }
        let currency = Currency::try_from(currency)
            .map_err(|error| self.mistake(format!("the currency of price `{id}`: {error}")));
        let interval = match interval.as_str() {
            "month" => Some(Interval::Month),
            "year" => Some(Interval::Year),
            other => {
                self.mistake(format!("the interval of price `{id}` is `{other}`: month or year"));
                None
            }
        };
        Some(Price { id, currency: currency.ok()?, unit_amount, interval: interval? })
    }

    fn id(&mut self, kind: &str, id: &str) {
        let fits = (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !fits {
            self.mistake(format!(
                "the {kind} id `{id}` is not 1 to 64 lower-case letters, digits and underscores"
            ));
        }
    }
}
