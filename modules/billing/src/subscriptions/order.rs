//! What a tenant asks for, measured against the price list.

use kernel::{Money, MoneyError, Secret};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::catalog::{Catalog, Plan, Price, SeatLimits};

/// The longest name of a payment method, in bytes.
const LONGEST_METHOD: usize = 255;

/// What to subscribe to.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscribe {
    /// A price of the price list.
    #[schema(example = "team_monthly_eur")]
    pub price_id: String,
    /// How many seats, within the plan's limits.
    #[schema(example = 3)]
    pub quantity: u32,
    /// The payment provider's name of the payment method: visible ASCII, at most 255 characters.
    #[schema(value_type = String, example = "pm_card_visa")]
    pub payment_method: Secret,
}

/// A request that the price list allows.
#[derive(Debug)]
pub(crate) struct Order<'c> {
    pub plan: &'c Plan,
    pub price: &'c Price,
    pub quantity: u32,
    pub payment_method: &'c Secret,
    pub total: Money,
}

/// Why a request is none that the price list allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("there is no such price on sale")]
    UnknownPrice,
    #[error("the plan has {} to {} seats", .0.min, .0.max)]
    Quantity(SeatLimits),
    #[error("a payment method is 1 to {LONGEST_METHOD} visible ASCII characters")]
    PaymentMethod,
    #[error(transparent)]
    Amount(#[from] MoneyError),
}

impl<'c> Order<'c> {
    /// Looks `request` up in `catalog`.
    pub(crate) fn new(catalog: &'c Catalog, request: &'c Subscribe) -> Result<Self, OrderError> {
        let Subscribe { price_id, quantity, payment_method } = request;
        let (plan, price) = catalog.price(price_id).ok_or(OrderError::UnknownPrice)?;
        if !plan.seats.allow(*quantity) {
            return Err(OrderError::Quantity(plan.seats));
        }
        let method = payment_method.expose();
        let visible = method.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || !(1..=LONGEST_METHOD).contains(&method.len()) {
            return Err(OrderError::PaymentMethod);
        }
        let total = price.unit().checked_mul(i64::from(*quantity))?;
        Ok(Self { plan, price, quantity: *quantity, payment_method, total })
    }

    /// What the invoice's line and the statement of the card say; at most 200 characters.
    pub(crate) fn description(&self) -> String {
        let seats = if self.quantity == 1 { "seat" } else { "seats" };
        format!("{}, {} {seats}", self.plan.name, self.quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(price_id: &str, quantity: u32, method: &str) -> Result<(i64, String), OrderError> {
        let catalog = Catalog::shipped();
        let request = Subscribe {
            price_id: price_id.to_owned(),
            quantity,
            payment_method: Secret::new(method),
        };
        let order = Order::new(&catalog, &request)?;
        Ok((order.total.amount, order.description()))
    }

    #[test]
    fn an_order_costs_its_seats() {
        let order = check("team_monthly_eur", 3, "pm_card_visa");
        assert_eq!(order, Ok((3_600, "Team, 3 seats".to_owned())));
        let order = check("team_yearly_usd", 1, "pm_card_visa");
        assert_eq!(order, Ok((13_000, "Team, 1 seat".to_owned())));
    }

    #[test]
    fn what_the_price_list_does_not_have_is_refused() {
        let business = SeatLimits { min: 5, max: 1_000 };
        assert_eq!(check("free", 1, "pm_card_visa"), Err(OrderError::UnknownPrice));
        for quantity in [0, 4, 1_001, u32::MAX] {
            let order = check("business_monthly_eur", quantity, "pm_card_visa");
            assert_eq!(order, Err(OrderError::Quantity(business)), "{quantity}");
        }
        for method in ["", "pm card", "pm_карта", &"x".repeat(256)] {
            let order = check("team_monthly_eur", 1, method);
            assert_eq!(order, Err(OrderError::PaymentMethod), "{method}");
        }
    }
}
