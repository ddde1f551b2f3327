//! One PostgreSQL, one RabbitMQ, two processes of each program.

use anyhow::{Context as _, ensure};
use futures_util::future::join_all;
use journeys::{Api, Person, eventually, mails, organization};
use serde_json::json;
use xtask::shapes::{self, Engine, Ground, Launch, Running, Shape};

async fn two_of_each(extracted: &[&str], ground: &Ground) -> anyhow::Result<Running> {
    let Engine::Real(_) = ground.engine() else {
        anyhow::bail!(
            "set {} to the address of a PostgreSQL superuser, as `cargo xtask test` does",
            shapes::POSTGRES
        );
    };
    let shape = Shape::extracting(extracted.iter().copied());
    shapes::start_as(&shape, Launch { replicas: 2, ..Launch::on(ground) }).await
}

/// What one replica was told the other knows; what was sent to both is done once; and where one
/// dies, the other goes on and finishes what was left.
async fn replicas_share_the_work(extracted: &[&str]) -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = two_of_each(extracted, &ground).await?;
    let urls = running.public_urls();
    let [one, other] = urls.as_slice() else { anyhow::bail!("two replicas: {urls:?}") };
    let (one, other) = (Api::new(one)?, Api::new(other)?);

    let here = organization(&one, "twins").await?;
    let there = Person::log_in(&other, &here.email).await?;
    let order = json!({
        "price_id": here.paid_price().await?, "quantity": 3, "payment_method": "pm_card_visa",
    });
    let path = "/v1/billing/subscriptions";
    let sent = (0..10).map(|n| {
        let person = if n % 2 == 0 { &here } else { &there };
        person.api.post_once(path, "both", &order)
    });
    for answer in join_all(sent).await {
        let answer = answer?;
        // The first is answered when the provider has; whoever comes meanwhile is told to wait.
        ensure!(answer.status == 201 || answer.status == 409, "{answer:#?}");
    }
    for person in [&here, &there] {
        let first = person.api.post_once(path, "both", &order).await?.expect(201)?;
        let current = person.api.get("/v1/billing/subscription").await?.expect(200)?;
        ensure!(current["id"] == first["id"], "{current:#} {first:#}");
        let invoices = person.api.get("/v1/billing/invoices").await?.expect(200)?;
        ensure!(invoices["items"].as_array().map(Vec::len) == Some(1), "{invoices:#}");
    }

    // Half of the programs are gone while events are under way.
    let guests: Vec<String> = (1..=2).map(|n| format!("guest{n}@twins.example")).collect();
    for guest in &guests {
        here.invite(guest).await?.expect(201)?;
    }
    let second = |name: &str| format!("{name}#2");
    for program in ["monolith", "billing-service", "auth-service", "notifications-service"] {
        if let Ok(program) = running.program(&second(program)) {
            program.kill().await?;
        }
    }
    for guest in &guests {
        Person::accept(&one, guest).await?;
    }
    here.until_seats_used(3).await?;
    let count = |subject: &'static str| {
        let (one, email) = (one.clone(), here.email.clone());
        async move {
            let mails = mails(&one, &email).await?;
            let about = mails.iter().filter(|mail| {
                mail["subject"].as_str().is_some_and(|text| text.starts_with(subject))
            });
            anyhow::Ok(about.count())
        }
    };
    eventually("the invoice's mail", async || {
        ensure!(count("Invoice").await? > 0, "none yet");
        Ok(())
    })
    .await?;
    let second = running.program("monolith#2").context("two replicas")?;
    second.start().await?;
    let back = Person::log_in(&other, &here.email).await?;
    back.api.get("/v1/billing/subscription").await?.expect(200)?;
    ensure!(count("Invoice").await? == 1, "an invoice was mailed twice");
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_monoliths_share_the_work() -> anyhow::Result<()> {
    replicas_share_the_work(&[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_each_with_billing_extracted_share_the_work() -> anyhow::Result<()> {
    replicas_share_the_work(&["billing"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_each_with_all_extracted_share_the_work() -> anyhow::Result<()> {
    replicas_share_the_work(&["auth", "billing", "notifications"]).await
}
