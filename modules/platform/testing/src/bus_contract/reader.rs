//! A module with a store, whose effects can be counted after the fact.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use events::{Consumer, Delivery, Effect, EngineSettings, EventEngine, HandlerError};
use kernel::{Aggregate, CallContext, Event};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use seam::CallFailure;
use serde::{Deserialize, Serialize};
use storage::{SystemScope, TenantTx, tables::outbox};
use utoipa::ToSchema;

use super::{Counted, LOOK, within};
use crate::{RecordingBus, TestStore};

static TESTS: SystemScope =
    SystemScope { name: "tests", why: "a check looks at the effects that were committed" };

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        storage::migrations()
    }
}

/// The effect of a [`Counted`]: a row in the outbox, which stays there, for it leads nowhere.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
struct Echoed(Counted);

impl Event for Echoed {
    const TYPE: &'static str = "reader.echoed";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        self.0.aggregate()
    }
}

const NOWHERE: &str = "nowhere";

/// The module `reader`.
pub(super) struct Reader {
    store: TestStore,
    echo: Arc<Echo>,
}

#[derive(Default)]
struct Echo {
    fails: AtomicBool,
}

#[async_trait]
impl Effect<Counted> for Echo {
    async fn apply(
        &self,
        tx: &TenantTx,
        _ctx: &CallContext,
        event: Counted,
        _delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        tx.publish(&Echoed(event)).await?;
        if self.fails.load(Ordering::Relaxed) {
            return Err(HandlerError::retry("not yet"));
        }
        Ok(())
    }
}

impl Reader {
    pub(super) async fn new() -> Self {
        let store = TestStore::builder("reader").random_ids().route(Echoed::TYPE, NOWHERE);
        let store = store.open::<Migrator>().await.expect("a store");
        Self { store, echo: Arc::default() }
    }

    /// Whether its effect fails from now on.
    pub(super) fn fail(&self, fails: Fails) {
        self.echo.fails.store(fails == Fails::Yes, Ordering::Relaxed);
    }

    /// The engine that a start of its program makes.
    pub(super) fn engine(&self) -> Arc<EventEngine> {
        let bus = RecordingBus::new();
        bus.fail(NOWHERE, CallFailure::unavailable(NOWHERE));
        let effect = Arc::clone(&self.echo) as Arc<dyn Effect<Counted>>;
        let consumer = Consumer::effect::<Counted>("reader.echo", effect);
        EventEngine::new(self.store.store(), vec![consumer], bus, EngineSettings::default())
    }

    /// What was counted, in the order of the commits.
    pub(super) async fn effects(&self) -> Vec<Counted> {
        let rows = self.store.system(&TESTS).find::<outbox::Entity>();
        let rows = rows.order_by_asc(outbox::Column::Seq).all().await.expect("the outbox");
        let echoed = |row: &outbox::Model| {
            let envelope = row.envelope().expect("an envelope that was not sent");
            envelope.decode::<Echoed>().expect("an echo").0
        };
        rows.iter().map(echoed).collect()
    }

    /// Waits until so many effects are committed, while `engine` tries again what failed.
    pub(super) async fn reached(&self, effects: usize, engine: &EventEngine) {
        let mut look = tokio::time::interval(LOOK);
        within(async {
            while self.effects().await.len() < effects {
                look.tick().await;
                self.store.clock().advance(EngineSettings::default().consumer_backoff.cap);
                engine.run_until_idle().await.expect("a working store");
            }
        })
        .await;
    }
}

/// Whether an effect fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fails {
    Yes,
    No,
}
