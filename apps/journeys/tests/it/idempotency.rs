//! Requests that come more than once: at the same time, again, and after the process has died.

use anyhow::{Context as _, ensure};
use journeys::{Answer, Api, Person, eventually, mails, organization};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use xtask::shapes::{self, Ground, Shape};

use crate::shape::in_every_shape;

const SUBSCRIPTIONS: &str = "/v1/billing/subscriptions";
const INVITATIONS: &str = "/v1/auth/invitations";
const PROBLEM: &str = "urn:ashlar:problem:";

in_every_shape! {
    fn a_hundred_orders_under_one_key_are_one(api) {
        let owner = organization(&api, "hundred").await?;
        let order = order(&owner, "pm_card_visa").await?;
        let answers = many(100, &owner, SUBSCRIPTIONS, "k", &order).await?;
        one_effect(&answers, &come_again(&owner, SUBSCRIPTIONS, &order).await?)?;
        let invoices = owner.api.get("/v1/billing/invoices").await?.expect(200)?;
        ensure!(invoices["items"].as_array().map(Vec::len) == Some(1), "{invoices:#}");
    }

    fn a_hundred_invitations_under_one_key_are_one(api) {
        let owner = organization(&api, "crowd").await?;
        owner.subscribe(3).await?;
        let body = json!({ "email": "guest@crowd.example", "role": "member" });
        let answers = many(100, &owner, INVITATIONS, "k", &body).await?;
        one_effect(&answers, &come_again(&owner, INVITATIONS, &body).await?)?;
        let list = owner.api.get(INVITATIONS).await?.expect(200)?;
        ensure!(list["items"].as_array().map(Vec::len) == Some(1), "{list:#}");
        owner.until_seats_used(2).await?;
        eventually("the mail", async || {
            let mails = mails(&api, "guest@crowd.example").await?;
            ensure!(mails.len() == 1, "{mails:#?}");
            Ok(())
        })
        .await?;
    }

    fn a_key_is_one_tenants_one_routes_and_one_bodys(api) {
        let (ours, theirs) =
            (organization(&api, "ours").await?, organization(&api, "theirs").await?);
        ours.subscribe(3).await?;
        theirs.subscribe(3).await?;
        let body = json!({ "email": "guest@both.example", "role": "member" });
        let first = ours.api.post_once(INVITATIONS, "k", &body).await?.expect(201)?;
        let other = json!({ "email": "other@both.example", "role": "member" });
        let reused = ours.api.post_once(INVITATIONS, "k", &other).await?;
        reused.expect_problem(422, "idempotency-key-reused")?;
        let foreign = theirs.api.post_once(INVITATIONS, "k", &body).await?;
        ensure!(!foreign.headers.contains_key("idempotent-replayed"), "{foreign:#?}");
        ensure!(foreign.expect(201)?["id"] != first["id"], "one invitation for two tenants");
        let usage = "/v1/billing/usage-events";
        let empty = ours.api.post_once(usage, "k", &json!([])).await?;
        ensure!(empty.status == 422, "the key of another route: {empty:#?}");
    }

    fn a_sign_up_is_once_only_by_its_address(api) {
        let email = "owner@twice.example";
        let registration = json!({
            "email": email, "password": journeys::PASSWORD, "name": "Ada", "organization": "twice",
        });
        let mut sent = JoinSet::new();
        for _ in 0..20 {
            let (api, registration) = (api.clone(), registration.clone());
            sent.spawn(async move { api.post("/v1/auth/register", &registration).await });
        }
        while let Some(answer) = sent.join_next().await {
            answer??.expect(202)?;
        }
        // Every request has mailed a link, and each leads to the one account.
        let links = eventually("all mails", async || {
            let mails = mails(&api, email).await?;
            ensure!(mails.len() == 20, "{} mails", mails.len());
            Ok(mails)
        })
        .await?;
        let link = links[7]["links"][0].as_str().context("no link")?;
        let (_, token) = link.rsplit_once("?token=").context("no token")?;
        api.post("/v1/auth/verify-email", &json!({ "token": token })).await?.expect(204)?;
        let owner = Person::log_in(&api, email).await?;
        let me = owner.api.get("/v1/auth/me").await?.expect(200)?;
        ensure!(me["tenants"].as_array().map(Vec::len) == Some(1), "{me:#}");
        owner.until_seats_used(1).await?;
    }
}

/// What was answered is answered again by the next process.
async fn an_answer_outlives_its_process(
    extracted: &[&str],
    owner_of_it: &str,
) -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = shapes::start(&Shape::extracting(extracted.iter().copied()), &ground).await?;
    let owner = organization(&Api::new(running.public_url())?, "survivor").await?;
    let order = order(&owner, "pm_card_visa").await?;
    let first = owner.api.post_once(SUBSCRIPTIONS, "k", &order).await?.expect(201)?;
    running.program(owner_of_it)?.kill().await?;
    running.program(owner_of_it)?.start().await?;
    let again = eventually("the same answer", async || {
        owner.api.post_once(SUBSCRIPTIONS, "k", &order).await?.expect(201)
    })
    .await?;
    ensure!(again == first, "{again:#} is not {first:#}");
    running.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_outlives_the_monolith() -> anyhow::Result<()> {
    an_answer_outlives_its_process(&[], "monolith").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_outlives_the_billing_service() -> anyhow::Result<()> {
    an_answer_outlives_its_process(&["billing"], "billing-service").await
}

/// The process dies while the provider has the money and has not said so. Nobody repeats the
/// request: the completer of the next process finds out, and then a repetition is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_process_has_begun_is_finished_by_the_next() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let running = shapes::start(&Shape::extracting(["billing"]), &ground).await?;
    let owner = organization(&Api::new(running.public_url())?, "heir").await?;
    let order = order(&owner, "pm_sandbox_hangs").await?;
    let hanging = tokio::spawn({
        let (owner, order) = (owner.clone(), order.clone());
        async move { owner.api.post_once(SUBSCRIPTIONS, "k", &order).await }
    });
    eventually("the request to be at work", async || {
        let in_use = owner.api.post_once(SUBSCRIPTIONS, "k", &order).await?;
        ensure!(in_use.headers.contains_key("retry-after"), "{in_use:#?}");
        in_use.expect_problem(409, "idempotency-key-in-use").map(drop)
    })
    .await?;
    running.program("billing-service")?.kill().await?;
    let cut_off = hanging.await??;
    // Whichever of the two came first was at work.
    let was_second = cut_off.status.as_u16() == 409;
    ensure!(was_second || cut_off.status.is_server_error(), "{cut_off:#?}");
    running.program("billing-service")?.start().await?;

    let subscription = eventually("the completer", async || {
        owner.api.get("/v1/billing/subscription").await?.expect(200)
    })
    .await?;
    let answer = owner.api.post_once(SUBSCRIPTIONS, "k", &order).await?;
    ensure!(answer.headers.contains_key("idempotent-replayed"), "{answer:#?}");
    ensure!(answer.expect(201)? == subscription, "another answer");
    let invoices = owner.api.get("/v1/billing/invoices").await?.expect(200)?;
    ensure!(invoices["items"].as_array().map(Vec::len) == Some(1), "{invoices:#}");
    running.stop().await
}

async fn order(owner: &Person, payment_method: &str) -> anyhow::Result<Value> {
    Ok(json!({
        "price_id": owner.paid_price().await?, "quantity": 3, "payment_method": payment_method,
    }))
}

/// Sends one request many times at once.
async fn many(
    times: u32,
    who: &Person,
    path: &'static str,
    key: &'static str,
    body: &Value,
) -> anyhow::Result<Vec<Answer>> {
    let mut sent = JoinSet::new();
    for _ in 0..times {
        let (api, body) = (who.api.clone(), body.clone());
        sent.spawn(async move { api.post_once(path, key, &body).await });
    }
    sent.join_all().await.into_iter().collect()
}

/// The answer that whoever comes again under the key is given from then on.
async fn come_again(who: &Person, path: &str, body: &Value) -> anyhow::Result<Value> {
    eventually("the answer", async || {
        let again = who.api.post_once(path, "k", body).await?;
        let replayed = again.headers.get("idempotent-replayed");
        ensure!(replayed.is_some_and(|it| it == "true"), "{again:#?}");
        again.expect(201)
    })
    .await
}

/// At least one was done, all that were have the `one` answer, and the others were told to come again:
/// while the first was at work, or before anything was done for them.
fn one_effect(answers: &[Answer], one: &Value) -> anyhow::Result<()> {
    const COME_AGAIN: [(u16, &str); 2] = [(409, "idempotency-key-in-use"), (503, "unavailable")];
    ensure!(answers.iter().any(|answer| answer.status == 201), "none was done: {answers:#?}");
    for answer in answers {
        if answer.status == 201 {
            ensure!(answer.body == *one, "{answer:#?} is not {one:#}");
            continue;
        }
        let slug = answer.body["type"].as_str().and_then(|it| it.strip_prefix(PROBLEM));
        let told = slug.is_some_and(|slug| COME_AGAIN.contains(&(answer.status.as_u16(), slug)));
        ensure!(told && answer.headers.contains_key("retry-after"), "{answer:#?}");
    }
    Ok(())
}
