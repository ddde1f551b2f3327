//! Events between modules of one program.

use std::sync::Arc;

use async_trait::async_trait;
use events::{Action, Consumer, Delivery, EngineSettings, EventEngine, HandlerError};
use kernel::{Aggregate, CallContext, Event, TenantId};
use module::{Placement, PortBus, Ports, SubscriptionRoutes};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use seam::{EventBus, EventRoutes, ModuleDescriptor, Repeat};
use serde::{Deserialize, Serialize};
use testing::{TestStore, drain, tenant_context};
use tokio::sync::mpsc;
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        storage::migrations()
    }
}

const GREETING: ModuleDescriptor =
    ModuleDescriptor { name: "greeting", public_prefixes: &[], consumes: &[] };
const GUESTBOOK: ModuleDescriptor =
    ModuleDescriptor { name: "guestbook", public_prefixes: &[], consumes: &["greeting.greeted"] };

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
struct Greeted {
    guest: Uuid,
    times: i64,
}

impl Event for Greeted {
    const TYPE: &'static str = "greeting.greeted";
    const VERSION: u32 = 1;

    fn aggregate(&self) -> Aggregate {
        Aggregate::new("guest", self.guest, self.times)
    }
}

struct Enter(mpsc::UnboundedSender<(Greeted, CallContext)>);

#[async_trait]
impl Action<Greeted> for Enter {
    async fn perform(
        &self,
        ctx: &CallContext,
        event: Greeted,
        _delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        self.0.send((event, ctx.clone())).map_err(HandlerError::permanent)
    }
}

#[tokio::test]
async fn an_event_reaches_the_module_that_takes_it() {
    for placement in [Placement::Direct, Placement::Loopback(Repeat::Always)] {
        let ports = Ports::new([("guestbook".to_owned(), placement)]);
        let engine = |store: &TestStore, consumers| {
            let bus = PortBus::new(ports.clone(), store.module());
            let settings = EngineSettings::default();
            EventEngine::new(store.store(), consumers, Arc::new(bus), settings)
        };
        let routes = SubscriptionRoutes::among([&GREETING, &GUESTBOOK]);
        assert_eq!(routes.destinations(Greeted::TYPE), ["guestbook"]);
        let store = |module| TestStore::builder(module).random_ids();
        let greeting = store("greeting").route(Greeted::TYPE, "guestbook").open::<Migrator>();
        let greeting = greeting.await.expect("a store");
        let guestbook = store("guestbook").open::<Migrator>().await.expect("a store");
        let sender = engine(&greeting, Vec::new());
        let (entries, mut book) = mpsc::unbounded_channel();
        let consumer = Consumer::action::<Greeted>("guestbook.enter", Arc::new(Enter(entries)));
        let receiver = engine(&guestbook, vec![consumer]);

        let tenant = TenantId(Uuid::from_u128(1));
        let ctx = tenant_context(tenant);
        let greeted = Greeted { guest: Uuid::from_u128(2), times: 1 };
        let tx = greeting.write(&ctx).await.expect("a transaction");
        tx.publish(&greeted).await.expect("an outbox row");
        tx.commit().await.expect("a commit");
        drain(&[&sender, &receiver]).await.expect("working stores");
        assert!(book.try_recv().is_err(), "the guestbook is not there yet");

        ports.provide_inbox("guestbook", receiver.inbox()).expect("the first one");
        greeting.clock().advance(EngineSettings::default().relay_backoff.cap);
        drain(&[&sender, &receiver]).await.expect("working stores");
        let (event, heard_in) = book.try_recv().expect("the event");
        assert_eq!(event, greeted);
        assert_eq!(heard_in.tenant(), Some(tenant));
        assert_eq!(heard_in.trace(), ctx.trace(), "it goes on in the trace that caused it");
        assert!(book.try_recv().is_err(), "once");
    }
}

#[tokio::test]
async fn a_module_that_is_nowhere_is_unavailable() {
    let bus = PortBus::new(Ports::new([]), "greeting");
    let failure = bus.publish("guestbook", Vec::new()).await.expect_err("nowhere");
    assert!(failure.is_certainly_not_done());
}
