//! The local dashboard in a real browser, in both shapes.

mod driver;

use std::fs;

use anyhow::{Context as _, ensure};
use fantoccini::{Locator, key::Key};
use host::SEALING_KEY;
use journeys::{Api, PASSWORD, eventually, mails, organization};
use serde_json::json;
use xtask::shapes::{Ground, Running};

use self::driver::Browser;
use crate::shape;

async fn started(ground: &Ground, extracted: &[&str]) -> anyhow::Result<Running> {
    shape::started(ground, extracted, [("ASHLAR__TELEMETRY__RECENT_TRACES", "true")]).await
}

/// Somebody signs up, subscribes, and invites somebody else.
async fn journey(api: &Api) -> anyhow::Result<()> {
    let owner = organization(api, "seen").await?;
    owner.until_seats_used(1).await?;
    owner.subscribe(3).await?;
    owner.invite("grace@seen.example").await?.expect(201)?;
    eventually("the mails", async || {
        let (owners, guests) =
            (mails(api, &owner.email).await?, mails(api, "grace@seen.example").await?);
        ensure!((owners.len(), guests.len()) == (2, 1), "{owners:#?} {guests:#?}");
        Ok(())
    })
    .await
}

async fn register(api: &Api, email: &str) -> anyhow::Result<()> {
    let registration = json!({
        "email": email, "password": PASSWORD, "name": "Ada Lovelace", "organization": "later",
    });
    api.post("/v1/auth/register", &registration).await?.expect(202).map(drop)
}

/// Modules by name, and the row of the calls from auth to billing.
async fn check_map(browser: &Browser, remote: &[&str], transport: &str) -> anyhow::Result<()> {
    let mut modules = browser.texts(".map .node:not(.own) .name").await?;
    modules.sort();
    ensure!(modules == ["auth", "billing", "notifications"], "{modules:?}");
    let apart = browser.texts(".map .node.remote .name").await?;
    ensure!(apart == remote, "{apart:?}");
    let edge = browser.texts("#edge-auth-billing-calls > *").await?;
    let [from, to, what, way, _, mean, count, ..] = edge.as_slice() else {
        anyhow::bail!("no calls of auth to billing: {edge:?}");
    };
    ensure!([from, to, what, way] == ["auth", "billing", "calls", transport], "{edge:?}");
    ensure!(count.parse::<u64>()? > 0 && mean.ends_with('s'), "{edge:?}");
    let drawn = browser.texts(".map .edge.calls:not(.quiet) text").await?;
    ensure!(drawn.iter().any(|label| label.contains(mean)), "{drawn:?} has no {mean}");
    Ok(())
}

/// The page follows what the person likes, and is legible either way.
async fn check_colours(browser: &Browser, name: &str) -> anyhow::Result<()> {
    const BACKGROUND: &str = "return getComputedStyle(document.documentElement).backgroundColor";

    let mut seen = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await?;
        seen.push(browser.client.execute(BACKGROUND, Vec::new()).await?);
        browser.screenshot(&format!("{name}-{scheme}")).await?;
    }
    browser.prefer("light").await?;
    ensure!(seen == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"], "{seen:?}");
    Ok(())
}

/// What is open and focused stays so while the page is kept fresh.
async fn check_refresh(browser: &Browser) -> anyhow::Result<()> {
    let first = browser.client.find(Locator::Css(".waterfall summary")).await?;
    let id = first.attr("id").await?.context("no id")?;
    browser.tab_to(&id).await?;
    browser.press(Key::Enter).await?;
    browser.until_refreshed().await?;
    ensure!(browser.focused().await? == id, "the focus is lost");
    let open = browser.texts(".waterfall details[open] .attributes").await?;
    ensure!(open.len() == 1 && open[0].contains("http.route"), "{open:?}");
    browser.press(Key::Enter).await?;
    Ok(())
}

/// A mail comes while the mailbox is looked at, and its link does what it says.
async fn check_mailbox(browser: &Browser, api: &Api, origin: &str) -> anyhow::Result<()> {
    browser.client.goto(&format!("{origin}/dashboard/mailbox?to=new@seen.example")).await?;
    register(api, "new@seen.example").await?;
    let link = Locator::Css(".mails a[href*='/verify-email?token=']");
    let link = browser.client.wait().for_element(link).await?;
    browser.screenshot("mailbox").await?;
    link.click().await?;
    browser.until_heading("Verify an e-mail address").await?;
    browser.client.find(Locator::Css("form button")).await?.click().await?;
    eventually("the answer", async || {
        let outcome = browser.texts("#outcome").await?;
        ensure!(outcome == ["The address is verified. You can log in now."], "{outcome:?}");
        Ok(())
    })
    .await?;
    journeys::Person::log_in(api, "new@seen.example").await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_monolith_is_seen_at_work() -> anyhow::Result<()> {
    let ground = Ground::embedded()?;
    let running = started(&ground, &[]).await?;
    let origin = running.public_url();
    let api = Api::new(&origin)?;
    journey(&api).await?;
    Browser::run(async |browser| {
        browser.client.goto(&origin).await?;
        check_map(browser, &[], "in process").await?;
        check_colours(browser, "monolith").await?;
        browser.follow("Traces").await?;
        browser.until_heading("Traces").await?;
        browser.screenshot("traces").await?;
        browser.follow("POST /v1/billing/subscriptions").await?;
        browser.until_heading("POST /v1/billing/subscriptions").await?;
        let names = browser.texts(".waterfall .name").await?;
        ensure!(names.iter().any(|name| name.ends_with("send mail")), "{names:#?}");
        browser.follow("Hide statements").await?;
        eventually("fewer spans", async || {
            let fewer = browser.texts(".waterfall .name").await?;
            ensure!(!fewer.is_empty() && fewer.len() < names.len() / 2, "{fewer:#?}");
            ensure!(fewer.iter().any(|name| name.ends_with("send mail")), "{fewer:#?}");
            Ok(())
        })
        .await?;
        browser.screenshot("trace").await?;
        check_refresh(browser).await?;
        check_mailbox(browser, &api, &origin).await
    })
    .await?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_is_seen_at_work_in_a_program_of_its_own() -> anyhow::Result<()> {
    let ground = Ground::embedded()?;
    let running = started(&ground, &["billing"]).await?;
    let origin = running.public_url();
    let api = Api::new(&origin)?;
    journey(&api).await?;
    Browser::run(async |browser| {
        browser.client.goto(&origin).await?;
        check_map(browser, &["billing"], "HTTP").await?;
        check_colours(browser, "extracted").await?;
        browser.follow("Traces").await?;
        browser.follow("POST /v1/billing/*").await?;
        browser.until_heading("POST /v1/billing/*").await?;
        // The rest of the trace is on the other program's page.
        browser.follow("its part").await?;
        browser.until_heading("POST /v1/billing/subscriptions").await?;
        let there = browser.client.current_url().await?;
        let service = running.program("billing-service")?.public_url();
        ensure!(there.as_str().starts_with(&service), "{there}");
        check_mailbox(browser, &api, &origin).await
    })
    .await?;
    running.stop().await
}

/// Notifications is started with another sealing key, so that it cannot open the token that auth has
/// sealed for a mail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_replayed_by_keyboard_alone() -> anyhow::Result<()> {
    let ground = Ground::embedded()?;
    let running = started(&ground, &["auth", "billing", "notifications"]).await?;
    let api = Api::new(running.public_url())?;
    let notifications = running.program("notifications-service")?;
    let page = format!("{}/dashboard/events", notifications.public_url());
    let key = ground.data().join("keys").join(SEALING_KEY);
    let kept = key.with_extension("kept");

    notifications.terminate().await?;
    fs::rename(&key, &kept)?;
    notifications.start().await?;
    register(&api, "ada@later.example").await?;
    Browser::run(async |browser| {
        browser.client.goto(&page).await?;
        let letter = Locator::Css("table.letters");
        browser.client.wait().for_element(letter).await?;
        let why = browser.texts("table.letters td.long").await?;
        ensure!(why.len() == 1 && why[0].contains("could not be opened"), "{why:?}");
        browser.screenshot("events").await?;
        // A page that is kept fresh would complain of a program that is away.
        browser.client.goto("about:blank").await?;
        notifications.terminate().await?;
        fs::rename(&kept, &key)?;
        notifications.start().await?;

        browser.client.goto(&page).await?;
        browser.press(Key::Tab).await?;
        eventually("the way to the content to slide in", async || {
            let skip = browser.client.active_element().await?.text().await?;
            ensure!(skip == "Skip to the content", "the first stop is `{skip}`");
            Ok(())
        })
        .await?;
        browser.tab_to("replay-notifications-").await?;
        browser.press(Key::Enter).await?;
        eventually("the letter to be gone", async || {
            let done = browser.texts(".done").await?;
            ensure!(done == ["1 dead letter handed over again."], "{done:?}");
            ensure!(browser.texts("table.letters").await?.is_empty(), "it is still there");
            Ok(())
        })
        .await
    })
    .await?;
    eventually("the mail", async || {
        let mails = mails(&api, "ada@later.example").await?;
        ensure!(mails.len() == 1, "{mails:#?}");
        Ok(())
    })
    .await?;
    running.stop().await
}
