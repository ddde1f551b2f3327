//! Many tenants at once, some of whose requests are cut off at any point and some of which panic.

use std::{
    panic::resume_unwind,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::FutureExt as _;
use kernel::TenantId;
use sea_orm::{ActiveValue::Set, ColumnTrait};
use storage::{
    Once, Store, StoreError,
    tables::{call_records, outbox},
};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    entities::{counter, note, setting},
    once::NoteError,
    world::{NoteWritten, TESTS, context, keyed, note},
};

/// Numbers that look random and are the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Polls a future so often, and then drops it.
struct CutOff<F> {
    work: Option<Pin<Box<F>>>,
    polls: u64,
}

impl<F: Future> Future for CutOff<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else { return Poll::Ready(None) };
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if self.polls == 0 {
            self.work = None;
            return Poll::Ready(None);
        }
        self.polls -= 1;
        Poll::Pending
    }
}

fn tenant(number: u64) -> TenantId {
    TenantId(Uuid::from_u64_pair(0x7e, number))
}

/// Whether all rows are the tenant's own: the one thing that must never be otherwise.
fn check_own(tenant: TenantId, owners: impl IntoIterator<Item = Uuid>) {
    for owner in owners {
        assert_eq!(owner, tenant.0, "a row of another tenant");
    }
}

/// One request of a tenant.
async fn request(store: Store, number: u64, kind: u64, id: u128) -> Result<(), StoreError> {
    let tenant = tenant(number);
    let ctx = context(tenant);
    match kind {
        0 | 1 => {
            let reader = store.read(&ctx)?;
            let notes = reader.find::<note::Entity>().limit(20).all().await?;
            check_own(tenant, notes.into_iter().map(|note| note.tenant_id));
            let count = reader.find::<note::Entity>().filter(note::Column::TenantId.ne(tenant.0));
            assert_eq!(count.count().await?, 0);
        }
        2 | 3 => {
            let tx = store.write(&ctx).await?;
            tx.insert(note(id, &format!("left {id}"))).await?;
            let notes = tx.find::<note::Entity>().limit(20).all().await?;
            check_own(tenant, notes.into_iter().map(|note| note.tenant_id));
            tx.insert(note(id + (1 << 127), &format!("right {id}"))).await?;
            tx.publish(&NoteWritten { note: Uuid::from_u128(id) }).await?;
            tx.commit().await?;
        }
        4 => {
            let keyed = keyed(tenant, &id.to_string());
            let outcome = once(&store, &keyed, id).await;
            assert_eq!(outcome, Ok(1));
        }
        5 => {
            let tx = store.system_write(&TESTS).await?;
            let row = setting::ActiveModel { name: Set(id.to_string()), value: Set("1".into()) };
            tx.insert(row).await?;
            let tx = tx.into_tenant(&ctx).await?;
            let notes = tx.find::<note::Entity>().limit(20).all().await?;
            check_own(tenant, notes.into_iter().map(|note| note.tenant_id));
            tx.insert(note(id, &format!("left {id}"))).await?;
            tx.insert(note(id + (1 << 127), &format!("right {id}"))).await?;
            tx.commit().await?;
        }
        6 => {
            let tx = store.write(&ctx).await?;
            let visits = counter::ActiveModel {
                name: Set("visits".into()),
                value: Set(0),
                ..Default::default()
            };
            tx.insert_new(vec![visits], &[counter::Column::TenantId, counter::Column::Name])
                .await?;
            let counters = tx.find::<counter::Entity>().lock().all().await?;
            check_own(tenant, counters.iter().map(|counter| counter.tenant_id));
            let up = counters.first().map_or(0, |counter| counter.value) + 1;
            tx.update_many::<counter::Entity>().set(counter::Column::Value, up).exec().await?;
            tx.commit().await?;
        }
        _ => {
            let tx = store.write(&ctx).await?;
            tx.insert(note(id, &format!("left {id}"))).await?;
            resume_unwind(Box::new("a request that panics with a transaction open"));
        }
    }
    Ok(())
}

async fn once(store: &Store, ctx: &kernel::CallContext, id: u128) -> Result<u64, NoteError> {
    let tx = match store.once(ctx, "write_note", "note").await? {
        Once::First(tx) => tx,
        Once::Recorded(outcome) => return outcome,
    };
    let work = async {
        tx.insert(note(id, &format!("left {id}"))).await.map_err(seam::CallFailure::from)?;
        let right = note(id + (1 << 127), &format!("right {id}"));
        tx.insert(right).await.map_err(seam::CallFailure::from)?;
        Ok(1)
    };
    let outcome = work.await;
    tx.finish(outcome).await
}

/// What came of a storm.
#[derive(Debug, Default)]
pub(crate) struct Storm {
    pub(crate) finished: u64,
    pub(crate) cut_off: u64,
    pub(crate) panicked: u64,
}

/// Lets `requests` requests of `tenants` tenants loose, some hundred at once.
pub(crate) async fn storm(store: &Store, seed: u64, tenants: u64, requests: u64) -> Storm {
    let mut dice = Dice::new(seed);
    let mut running = JoinSet::new();
    let mut storm = Storm::default();
    for n in 0..requests {
        let (number, kind) = (dice.below(tenants), dice.below(8));
        // Some are left to finish; the others are cut off wherever they then are.
        let polls = if dice.below(2) == 0 { u64::MAX } else { dice.below(10) };
        let work = request(store.clone(), number, kind, u128::from(n + 1));
        running.spawn(CutOff { work: Some(Box::pin(work)), polls });
        while running.len() >= 200 {
            note_end(&mut storm, running.join_next().await);
        }
    }
    while let Some(ended) = running.join_next().await {
        note_end(&mut storm, Some(ended));
    }
    storm
}

type Ended = Result<Option<Result<(), StoreError>>, tokio::task::JoinError>;

fn note_end(storm: &mut Storm, ended: Option<Ended>) {
    match ended {
        Some(Ok(Some(outcome))) => {
            outcome.expect("a request that is left alone goes well");
            storm.finished += 1;
        }
        Some(Ok(None)) => storm.cut_off += 1,
        Some(Err(error)) => {
            let panic = error.try_into_panic().expect("a panic");
            let message = telemetry::errors::panic_message(&*panic).to_owned();
            assert!(message.contains("a request that panics"), "{message}");
            storm.panicked += 1;
        }
        None => {}
    }
}

/// After a storm: all that was written was written whole, and for whom it was.
pub(crate) async fn check_whole(store: &Store) {
    let rows = store.system(&TESTS).find::<note::Entity>().all().await.expect("the notes");
    assert!(rows.len() > 50, "{}", rows.len());
    for row in &rows {
        let id = row.id.as_u128();
        let other = if id >> 127 == 1 { id - (1 << 127) } else { id + (1 << 127) };
        let other = rows.iter().find(|row| row.id.as_u128() == other).expect("the other half");
        assert_eq!(other.tenant_id, row.tenant_id);
    }
    let events = store.system(&TESTS).find::<outbox::Entity>().all().await.expect("the outbox");
    assert!(!events.is_empty());
    for event in events {
        let note = event.envelope().expect("an envelope").aggregate.id;
        let of = rows.iter().find(|row| row.id.to_string() == note.to_string());
        assert_eq!(
            of.map(|row| row.tenant_id),
            event.tenant_id,
            "an event of a note that is there"
        );
    }
    let records = store.system(&TESTS).find::<call_records::Entity>().all().await;
    for record in records.expect("the records") {
        assert!(record.outcome.is_some(), "no record without its outcome");
        let id: u128 = record.key.parse().expect("a number");
        let of = rows.iter().find(|row| row.id.as_u128() == id);
        assert_eq!(of.map(|row| row.tenant_id), Some(record.tenant_id));
    }
}

/// After a storm: as many transactions can be open at once as the store has connections.
pub(crate) async fn check_no_connection_is_missing(store: &Store, connections: usize) {
    let held = futures_util::future::join_all((0..connections).map(|n| {
        let (store, ctx) = (store.clone(), context(tenant(n as u64)));
        async move { store.write(&ctx).await.expect("a transaction") }.boxed()
    }));
    assert_eq!(held.await.len(), connections);
}
