//! One database, and then two.

use anyhow::{Context as _, ensure};
use journeys::{Api, Person, organization};
use kernel::Secret;
use serde_json::json;
use xtask::{
    extraction::{
        ByProgram,
        postgres::{Moved, Relocation},
    },
    shapes::{self, Engine, Ground, Launch, Shape},
    workspace::Workspace,
};

use super::{seats_used, still_subscribed};

/// The database's own address, where the run has one.
fn admin(ground: &Ground) -> anyhow::Result<&Secret> {
    match ground.engine() {
        Engine::Real(engines) => Ok(&engines.postgres),
        Engine::Embedded => anyhow::bail!(
            "set {} to the address of a PostgreSQL superuser, as `cargo xtask test` does",
            shapes::POSTGRES
        ),
    }
}

/// Compute first: billing-service is one more program on billing's own schema and roles. Nothing is
/// moved, and going back is a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_runs_alone_on_its_own_schema_and_goes_back() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    admin(&ground)?;
    let (monolith, extracted) = (Shape::extracting([]), Shape::extracting(["billing"]));

    let running = shapes::start(&monolith, &ground).await?;
    let owner = organization(&Api::new(running.public_url())?, "pioneer").await?;
    let subscription = owner.subscribe(3).await?;
    running.stop().await?;

    let running = shapes::start(&extracted, &ground).await?;
    still_subscribed(&running, &owner.email, &subscription).await?;
    let api = Api::new(running.public_url())?;
    let owner = Person::log_in(&api, &owner.email).await?;
    owner.invite("grace@pioneer.example").await?.expect(201)?;
    Person::accept(&api, "grace@pioneer.example").await?;
    owner.until_seats_used(2).await?;
    running.stop().await?;

    let running = shapes::start(&monolith, &ground).await?;
    still_subscribed(&running, &owner.email, &subscription).await?;
    let owner = Person::log_in(&Api::new(running.public_url())?, &owner.email).await?;
    seats_used(&owner, 2).await?;
    running.stop().await
}

/// Data second: billing's schema moves to a database of its own, and back again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_moves_to_a_database_of_its_own_and_back() -> anyhow::Result<()> {
    let (shared, own) = (Ground::new().await?, Ground::new().await?);
    let (from, to) = (admin(&shared)?, admin(&own)?);
    let (monolith, extracted) = (Shape::extracting([]), Shape::extracting(["billing"]));
    let shape = extracted.clone();
    let binaries = tokio::task::spawn_blocking(move || shapes::build(&shape)).await??;
    let program = binaries.service("billing").context("billing is extracted")?.to_owned();
    let migrate = ByProgram::built(Workspace::find()?, "billing").at(program);

    let running = shapes::start(&monolith, &shared).await?;
    let owner = organization(&Api::new(running.public_url())?, "settler").await?;
    let subscription = owner.subscribe(3).await?;
    let relocation = Relocation { module: "billing", from, to, migrate: &migrate };
    let refused = relocation.extract().await.err().context("a program runs on the data")?;
    ensure!(format!("{refused:#}").contains("a running program is connected"), "{refused:#}");
    running.stop().await?;
    let moved = relocation.extract().await?;
    let Moved::Now { tables, .. } = moved else { anyhow::bail!("nothing was moved") };
    let rows = |name: &str| tables.tables.iter().find(|table| table.name == name).map(|it| it.rows);
    ensure!(rows("subscriptions") == Some(1), "{tables:?}");

    // A monolith that still has billing in it does not begin with an empty billing.
    let refused = shapes::start(&monolith, &shared).await.err().context("billing is not here")?;
    ensure!(format!("{refused:#}").contains("they were moved to"), "{refused:#}");

    let url = xtask::shapes::RealEngines::served_url(to)?;
    let elsewhere = |name: &str, value: &str| {
        (format!("ASHLAR__MODULES__BILLING__POSTGRES__{name}"), value.to_owned())
    };
    let settings = [elsewhere("URL", &url), elsewhere("ADMIN_URL", to.expose())];
    let running = shapes::start_as(&extracted, Launch::on(&shared).told(settings)).await?;
    still_subscribed(&running, &owner.email, &subscription).await?;
    let there = Person::log_in(&Api::new(running.public_url())?, &owner.email).await?;
    let usage = json!([{ "id": "u", "meter": "api_calls", "quantity": 7,
                         "at": "2026-01-01T00:00:00Z" }]);
    let answer = there.api.post("/v1/billing/usage-events", &usage).await?;
    ensure!(answer.status.is_success() || answer.status == 422, "{answer:#?}");
    running.stop().await?;

    let back = Relocation { module: "billing", from: to, to: from, migrate: &migrate };
    back.absorb().await?;
    let running = shapes::start(&monolith, &shared).await?;
    still_subscribed(&running, &owner.email, &subscription).await?;
    running.stop().await
}
