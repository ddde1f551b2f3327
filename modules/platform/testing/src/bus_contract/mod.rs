//! What a publisher may rely on, whichever way its events take. Every bus passes this one suite;
//! [`bus_contract!`](crate::bus_contract!) makes a test of each check.
//!
//! A bus may take an envelope for a receiver that is down, as a broker does, or not, as one that
//! calls the receiver does. The checks therefore publish as a relay does: what was not taken,
//! again.

mod checks;
mod notebook;
mod reader;

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::{Aggregate, Envelope, Event, EventId, TenantId};
use seam::{EventBus, EventInbox};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use checks::*;
pub use notebook::Notebook;

use crate::noon;

/// A bus, and the modules that it leads to.
#[async_trait]
pub trait BusBed: Send + Sync {
    /// The bus, as a publisher has it.
    fn bus(&self) -> Arc<dyn EventBus>;

    /// Brings `module` up, or up again; what comes for it goes to `inbox`. The checks know two
    /// modules, `reader` and `archive`.
    async fn start(&self, module: &str, inbox: Arc<dyn EventInbox>);

    /// Takes `module` down, as the end of its program does.
    async fn stop(&self, module: &str);
}

/// Makes a test of each check of the bus contract. `$bed` is a future of a [`BusBed`].
#[macro_export]
macro_rules! bus_contract {
    ($bed:expr) => {
        $crate::bus_contract!(
            @each $bed,
            takes_all_of_a_batch_and_brings_it,
            an_envelope_arrives_unchanged,
            the_order_of_each_aggregate_is_kept,
            takes_500_at_once,
            a_duplicate_has_no_second_effect,
            publishers_do_not_get_into_each_others_way,
            a_module_that_is_nowhere_takes_nothing,
            a_module_that_is_down_holds_up_no_other,
            what_the_inbox_does_not_take_is_not_lost,
            one_event_that_is_not_taken_holds_up_no_other_aggregate,
            what_was_taken_survives_a_restart_of_the_receiver,
        );
    };
    (@each $bed:expr, $($check:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $check() {
                $crate::bus_contract::$check(&$bed.await).await;
            }
        )+
    };
}

/// How long a check waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it looks.
const LOOK: Duration = Duration::from_millis(10);

/// Waits for what must come.
#[track_caller]
fn within<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(output) => output,
            Err(_) => panic!("what {caller} waits for did not come"),
        }
    }
}

/// Publishes as a relay does: what was not taken, again, until all of it is.
async fn publish_all(bus: &Arc<dyn EventBus>, destination: &str, envelopes: &[Envelope]) {
    let mut left = envelopes.to_vec();
    let mut pause = tokio::time::interval(LOOK);
    within(async {
        while !left.is_empty() {
            pause.tick().await;
            if let Ok(receipt) = bus.publish(destination, left.clone()).await {
                let taken: HashSet<EventId> = receipt.taken.into_iter().collect();
                left.retain(|envelope| !taken.contains(&envelope.id));
            }
        }
    })
    .await;
}

const TENANT: TenantId = TenantId(Uuid::from_u128(0x7e));

/// A counter was counted up to `n`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
struct Counted {
    counter: u32,
    n: i64,
}

impl Event for Counted {
    const TYPE: &'static str = "counter.counted";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("counter", Uuid::from_u128(self.counter.into()), self.n)
    }
}

impl Counted {
    /// As it comes from the module `counter`; its id follows from what it is, so that it is the
    /// same at every delivery.
    fn envelope(self) -> Envelope {
        let id = (u128::from(self.counter) << 64) + u128::from(self.n.unsigned_abs());
        Envelope {
            id: EventId(Uuid::from_u128(id)),
            event_type: Self::TYPE.to_owned(),
            version: Self::VERSION,
            source: "counter".to_owned(),
            tenant: Some(TENANT),
            aggregate: self.aggregate(),
            occurred_at: noon(),
            traceparent: None,
            payload: serde_json::json!({ "counter": self.counter, "n": self.n }),
        }
    }
}

/// One after the other, `counters` counters are counted up to `n`: 1/1, 2/1, …, 1/2, 2/2, ….
fn counted(counters: u32, n: i64) -> Vec<Counted> {
    let row = |n| (1..=counters).map(move |counter| Counted { counter, n });
    (1..=n).flat_map(row).collect()
}

fn envelopes(events: &[Counted]) -> Vec<Envelope> {
    events.iter().copied().map(Counted::envelope).collect()
}
