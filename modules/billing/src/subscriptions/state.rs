//! The life of a subscription, and of the invoice and the charge it begins with: what may follow
//! what, as pure functions.

use billing_api::ChargeOutcome;
use sea_orm::{DeriveActiveEnum, EnumIter, prelude::StringLen};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a subscription is in its life.
///
/// ```text
/// Pending ──paid──▶ Active
///    └──declined──▶ Failed
/// ```
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its first charge has no outcome yet. It is in nobody's way but a second subscription's.
    Pending,
    /// In force.
    Active,
    /// Its first charge was declined: it never was in force.
    Failed,
}

impl Status {
    /// Whether another subscription of the same tenant may begin. The schema has the same rule.
    pub(crate) const fn is_live(self) -> bool {
        match self {
            Self::Pending | Self::Active => true,
            Self::Failed => false,
        }
    }
}

/// Where an invoice is in its life.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    /// Not issued: it has no number and nobody sees it.
    Draft,
    /// Issued and paid in full.
    Paid,
    /// Never issued, because its charge was declined.
    Void,
}

/// Where a charge is in its life.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ChargeState {
    /// The provider's answer is not known here. Only asking again under its key tells.
    Pending,
    /// The money was taken.
    Paid,
    /// The money was not taken, and will not be.
    Declined,
}

/// The three as they stand together; they change together, in one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checkout {
    pub(crate) subscription: Status,
    pub(crate) invoice: InvoiceStatus,
    pub(crate) charge: ChargeState,
}

/// What an answer of the provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The answer is the first: the checkout becomes this.
    Now(Checkout),
    /// The answer came before, by another way.
    Before,
    /// An earlier answer said otherwise. The provider broke its word: nothing changes, and a
    /// person has to look.
    Contradicted,
}

impl Checkout {
    /// How every checkout begins.
    pub(crate) const BEGUN: Self = Self {
        subscription: Status::Pending,
        invoice: InvoiceStatus::Draft,
        charge: ChargeState::Pending,
    };

    const PAID: Self = Self {
        subscription: Status::Active,
        invoice: InvoiceStatus::Paid,
        charge: ChargeState::Paid,
    };

    const DECLINED: Self = Self {
        subscription: Status::Failed,
        invoice: InvoiceStatus::Void,
        charge: ChargeState::Declined,
    };
}

impl ChargeState {
    /// What `outcome` does to a checkout whose charge is in this state.
    pub(crate) fn settle(self, outcome: &ChargeOutcome) -> Settlement {
        match (self, outcome) {
            (Self::Pending, ChargeOutcome::Paid(_)) => Settlement::Now(Checkout::PAID),
            (Self::Pending, ChargeOutcome::Declined(_)) => Settlement::Now(Checkout::DECLINED),
            (Self::Paid, ChargeOutcome::Paid(_)) | (Self::Declined, ChargeOutcome::Declined(_)) => {
                Settlement::Before
            }
            (Self::Paid, ChargeOutcome::Declined(_)) | (Self::Declined, ChargeOutcome::Paid(_)) => {
                Settlement::Contradicted
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use billing_api::{Charge, DeclineReason};
    use proptest::prelude::*;

    use super::*;

    fn outcomes() -> impl Strategy<Value = Vec<ChargeOutcome>> {
        let paid = Just(ChargeOutcome::Paid(Charge { reference: "ch_1".to_owned() }));
        let declined = Just(ChargeOutcome::Declined(DeclineReason::Generic));
        prop::collection::vec(prop_oneof![paid, declined], 0..8)
    }

    proptest! {
        #[test]
        fn the_first_answer_decides_and_the_three_agree(outcomes in outcomes()) {
            let mut checkout = Checkout::BEGUN;
            let mut settled = 0;
            for outcome in &outcomes {
                match checkout.charge.settle(outcome) {
                    Settlement::Now(next) => {
                        settled += 1;
                        checkout = next;
                    }
                    Settlement::Before => prop_assert_eq!(outcome_of(&checkout), Some(is_paid(outcome))),
                    Settlement::Contradicted => {
                        prop_assert_eq!(outcome_of(&checkout), Some(!is_paid(outcome)));
                    }
                }
                prop_assert!(agree(&checkout), "{checkout:?}");
            }
            prop_assert_eq!(settled, usize::from(!outcomes.is_empty()));
            prop_assert_eq!(outcome_of(&checkout), outcomes.first().map(is_paid));
        }
    }

    #[test]
    fn only_what_may_come_or_stay_in_force_keeps_others_out() {
        assert!(Status::Pending.is_live() && Status::Active.is_live());
        assert!(!Status::Failed.is_live());
    }

    fn agree(checkout: &Checkout) -> bool {
        let active = checkout.subscription == Status::Active;
        let failed = checkout.subscription == Status::Failed;
        active == (checkout.invoice == InvoiceStatus::Paid)
            && active == (checkout.charge == ChargeState::Paid)
            && failed == (checkout.invoice == InvoiceStatus::Void)
            && failed == (checkout.charge == ChargeState::Declined)
    }

    fn outcome_of(checkout: &Checkout) -> Option<bool> {
        match checkout.charge {
            ChargeState::Pending => None,
            ChargeState::Paid => Some(true),
            ChargeState::Declined => Some(false),
        }
    }

    fn is_paid(outcome: &ChargeOutcome) -> bool {
        matches!(outcome, ChargeOutcome::Paid(_))
    }
}
