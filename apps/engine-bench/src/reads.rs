//! A row of a tenant, read by its key: through the store, with row-level security and without,
//! and beside the same prepared select through sea-orm.

use std::time::Duration;

use anyhow::{Context, Result};
use sea_orm::{
    ColumnTrait, ConnectOptions, Database, DatabaseConnection, EntityTrait, QueryFilter,
};
use storage::{Store, TenantEntity};

use crate::{
    Options,
    finding::Finding,
    load::{self, Sample, WORKERS, median},
    tables::{note, plain},
    world::{World, context, row},
};

const ROWS: u64 = 100_000;
const TENANTS: u64 = 1_000;

/// How long one works before the other has its turn: so short that what else the machine does is
/// beside both.
const TURN: Duration = Duration::from_millis(200);

pub(crate) async fn measure(options: &Options) -> Result<Vec<Finding>> {
    let world = World::new("bench", "bench").await?;
    world.fill("notes", ROWS, TENANTS).await?;
    world.fill("plain_notes", ROWS, TENANTS).await?;
    world.run("GRANT SELECT ON plain_notes TO bench_app").await?;
    let unprotected = unprotected(&world).await?;
    let under_policies =
        async |time| through_store(&world.store, note::Column::Id, time, ROWS, TENANTS).await;
    let without =
        async |time| through_store(&world.store, plain::Column::Id, time, ROWS, TENANTS).await;
    // Connections are made and statements are planned.
    let whole = Duration::from_secs(options.seconds);
    under_policies(whole).await?;
    without(whole).await?;
    by_hand(&unprotected, whole).await?;

    let turns = whole.div_duration_f64(TURN) as usize * options.rounds;
    let (mut rls, mut added) = (Vec::new(), Vec::new());
    let (mut share, mut stored, mut plainly) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..turns {
        // None is always the one that comes first.
        let (off, on) = if turn % 2 == 0 {
            let off = without(TURN).await?;
            (off, under_policies(TURN).await?)
        } else {
            let on = under_policies(TURN).await?;
            (without(TURN).await?, on)
        };
        let plain = by_hand(&unprotected, TURN).await?;
        rls.push(on.rate / off.rate);
        added.push((on.p50.as_secs_f64() - off.p50.as_secs_f64()) * 1e3);
        share.push(on.rate / plain.rate);
        stored.push(on.rate);
        plainly.push(plain.rate);
    }
    let (rls, added, share) = (median(&mut rls), median(&mut added), median(&mut share));
    Ok(vec![
        Finding {
            what: "tenant-scoped read, row-level security on over off: throughput".to_owned(),
            measured: format!("{rls:.2}"),
            target: "0.95 or more".to_owned(),
            is_met: rls >= 0.95,
        },
        Finding {
            what: "the same: added to the median time".to_owned(),
            measured: format!("{added:.3} ms"),
            target: "under 0.3 ms".to_owned(),
            is_met: added < 0.3,
        },
        Finding {
            what: format!(
                "tenant-scoped read through the store ({:.0}/s) over the same prepared select \
                 through sea-orm on an unprotected table ({:.0}/s)",
                median(&mut stored),
                median(&mut plainly)
            ),
            measured: format!("{share:.2}"),
            target: "0.65 or more".to_owned(),
            is_met: share >= 0.65,
        },
    ])
}

/// Reads rows of many tenants through the store, each by its `id`.
pub(crate) async fn through_store<C>(
    store: &Store,
    id: C,
    time: Duration,
    rows: u64,
    tenants: u64,
) -> Result<Sample>
where
    C: ColumnTrait,
    C::EntityName: TenantEntity,
{
    let store = store.clone();
    load::run(time, move |number| {
        let store = store.clone();
        async move {
            let (tenant, row) = row(number, rows, tenants);
            let reader = store.read(&context(tenant))?;
            let found = reader.find::<C::EntityName>().filter(id.eq(row)).one().await?;
            found.map(drop).context("the row is there")
        }
    })
    .await
}

async fn by_hand(database: &DatabaseConnection, time: Duration) -> Result<Sample> {
    let database = database.clone();
    load::run(time, move |number| {
        let database = database.clone();
        async move {
            let (tenant, id) = row(number, ROWS, TENANTS);
            let found = plain::Entity::find()
                .filter(plain::Column::TenantId.eq(tenant.0))
                .filter(plain::Column::Id.eq(id))
                .one(&database)
                .await?;
            found.map(drop).context("the row is there")
        }
    })
    .await
}

async fn unprotected(world: &World) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(world.database.superuser_url().expose());
    options.max_connections(u32::try_from(WORKERS)?);
    options.set_schema_search_path("bench");
    // As the store does: no question before each statement.
    let quiet = Quiet::YES;
    options.test_before_acquire(!quiet).sqlx_logging(!quiet);
    Ok(Database::connect(options).await?)
}

/// What the options above take, said in words.
struct Quiet;

impl Quiet {
    const YES: bool = true;
}
