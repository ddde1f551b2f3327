//! A broker that is away when the programs start.

use anyhow::{Context as _, ensure};
use journeys::{Answer, Api, eventually, organization};
use kernel::Secret;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::Site;

/// A way to the broker that leads nowhere until it is opened.
struct Way {
    url: Secret,
    is_open: watch::Sender<bool>,
    _serving: JoinSet<()>,
}

impl Way {
    async fn to(broker: &str) -> anyhow::Result<Self> {
        let (_, rest) = broker.split_once('@').context("a URL with a user")?;
        let place = rest.split('/').next().context("a host")?.to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = Secret::new(broker.replace(&place, &listener.local_addr()?.to_string()));
        let is_open = watch::Sender::new(false);
        let mut opened = is_open.subscribe();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                if *opened.borrow_and_update()
                    && let Ok(mut broker) = TcpStream::connect(&place).await
                {
                    carried.spawn(async move {
                        // Either side may break off; the other then sees it too.
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut broker).await;
                    });
                }
            }
        });
        Ok(Self { url, is_open, _serving: serving })
    }
}

async fn starts_without_a_broker(extracted: &[&str]) -> anyhow::Result<()> {
    let broker = std::env::var(xtask::shapes::RABBITMQ)
        .with_context(|| format!("set {}, as `cargo xtask test` does", xtask::shapes::RABBITMQ))?;
    let way = Way::to(&broker).await?;
    let through = way.url.clone();
    let site = Site::start(extracted, &[], |engines| engines.rabbitmq = Some(through)).await?;
    let api = site.api()?;

    for (program, answer) in with_modules(&site, "/health/ready").await? {
        let body = answer.expect(200)?;
        ensure!(body["status"] == "degraded" && body["broker"] == "down", "{program}: {body:#}");
    }
    for (program, answer) in with_modules(&site, "/ops/broker").await? {
        let body = answer.expect(200)?;
        ensure!(body["consuming"].to_string().contains("down"), "{program}: {body:#}");
        let dead_letters = body["dead_letters"].as_object().context("an object")?;
        ensure!(!dead_letters.is_empty() && dead_letters.values().all(|n| n.is_null()), "{body:#}");
    }
    // Requests go on; what goes by events waits in the outbox.
    let registration = serde_json::json!({
        "email": "owner@early.example", "password": journeys::PASSWORD,
        "name": "Ada Lovelace", "organization": "early",
    });
    api.post("/v1/auth/register", &registration).await?.expect(202)?;
    ensure!(journeys::mails(&api, "owner@early.example").await?.is_empty(), "already mailed");

    way.is_open.send_replace(true);
    eventually("the mail that waited", async || {
        let mails = journeys::mails(&api, "owner@early.example").await?;
        ensure!(mails.len() == 1, "{mails:#?}");
        Ok(())
    })
    .await?;
    let person = organization(&api, "later").await?;
    person.subscribe(1).await?;
    eventually("the programs to be ready", async || {
        for (program, answer) in site.of_each("/ops/broker").await? {
            let body = answer.expect(200)?;
            ensure!(body["unroutable_now"] == serde_json::json!([]), "{program}: {body:#}");
            for (module, feed) in body["feeds"].as_object().context("feeds")? {
                ensure!(feed["consuming"] == true, "{program}, {module}: {body:#}");
                ensure!(body["dead_letters"][module] == 0, "{program}, {module}: {body:#}");
            }
        }
        for (program, answer) in site.of_each("/health/ready").await? {
            let body = answer.expect(200)?;
            ensure!(body["status"] == "ready" && body["broker"] == "up", "{program}: {body:#}");
        }
        Ok(())
    })
    .await?;
    only_operators_see_it(&site).await?;
    site.running.stop().await
}

/// A program whose modules all run elsewhere has nothing to do with the broker.
async fn with_modules(site: &Site, path: &str) -> anyhow::Result<Vec<(String, Answer)>> {
    let mut answers = site.of_each(path).await?;
    let has_modules =
        |name: &str| site.running.program(name).is_ok_and(|program| !program.modules().is_empty());
    answers.retain(|(name, _)| has_modules(name));
    Ok(answers)
}

async fn only_operators_see_it(site: &Site) -> anyhow::Result<()> {
    for program in site.running.programs() {
        let internal = Api::new(program.internal_url())?;
        ensure!(internal.get("/ops/broker").await?.status == 401, "{}", program.name());
        let public = Api::new(program.public_url())?.with_token(super::OPERATOR.1);
        ensure!(public.get("/ops/broker").await?.status == 404, "{}", program.name());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_monolith_starts_without_a_broker() -> anyhow::Result<()> {
    starts_without_a_broker(&[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_services_start_without_a_broker() -> anyhow::Result<()> {
    starts_without_a_broker(&["auth", "billing", "notifications"]).await
}
