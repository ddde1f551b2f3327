//! Every public route, asked by a stranger for a tenant's data: with their ids, their keys, their
//! cursors, their names. The routes come from `/openapi.json`, so that a new one without a line
//! here fails.

mod routes;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use journeys::{Answer, Api, Person, eventually, mails, organization};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use self::{
    routes::{Attack, OPTIONAL, Route, Sent, routes},
    world::World,
};
use crate::shape::in_every_shape;

in_every_shape! {
    fn a_stranger_reaches_no_route_of_a_tenant(api) {
        let described = described_routes(&api).await?;
        let known: BTreeSet<String> = routes().iter().map(Route::name).collect();
        let missing: Vec<_> = described.difference(&known).collect();
        ensure!(missing.is_empty(), "say in the matrix how a stranger attacks {missing:?}");
        let gone: Vec<_> = known
            .difference(&described)
            .filter(|name| !OPTIONAL.contains(&name.as_str()))
            .collect();
        ensure!(gone.is_empty(), "there are no such routes (any more): {gone:?}");

        let world = World::build(&api).await?;
        let before = world.victim.reads().await?;
        for route in routes().iter().filter(|route| described.contains(&route.name())) {
            attack(&api, &world, route).await.with_context(|| route.name())?;
        }
        world.let_effects_arrive().await?;
        let after = world.victim.reads().await?;
        for (path, before) in &before {
            let after = &after[path];
            ensure!(after == before, "GET {path} was {before:#} and is {after:#}");
        }
        world.victim.is_unharmed(&api).await?;
    }
}

/// Every operation of the description, such as `GET /v1/auth/me`.
async fn described_routes(api: &Api) -> anyhow::Result<BTreeSet<String>> {
    eventually("the whole description", async || {
        let document = api.get("/openapi.json").await?.expect(200)?;
        let paths = document["paths"].as_object().context("no paths")?;
        for prefix in ["/v1/auth", "/v1/billing", "/v1/notifications"] {
            ensure!(paths.keys().any(|path| path.starts_with(prefix)), "{prefix} is missing");
        }
        let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
        let operations = paths.iter().flat_map(|(path, item)| {
            let item = item.as_object().into_iter().flat_map(|item| item.keys());
            item.filter(|method| methods.contains(&method.as_str()))
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        Ok(operations.collect())
    })
    .await
}

async fn attack(api: &Api, world: &World, route: &Route) -> anyhow::Result<()> {
    let stranger = &world.stranger.api;
    match &route.attack {
        Attack::NobodysData => {
            let answer = ask(world, stranger, route, route.path, Sent::default()).await?;
            ensure!(answer.status.is_success(), "{answer:#?}");
        }
        Attack::OwnData => {
            refuses_strangers_without_a_token(api, world, route, route.path).await?;
            let mut paths = vec![route.path.to_owned()];
            paths.push(format!("{}?tenant={1}&tenant_id={1}", route.path, world.victim.tenant));
            for cursor in &world.victim.cursors {
                paths.push(format!("{}?cursor={cursor}&limit=100", route.path));
            }
            for path in paths {
                let answer = ask(world, stranger, route, &path, Sent::default()).await?;
                // Some routes take no query, and then they say so.
                ensure!(matches!(answer.status.as_u16(), 200 | 400), "{path}: {answer:#?}");
            }
        }
        Attack::ById => {
            for id in &world.victim.ids {
                let path = route.path.replace("{id}", id);
                refuses_strangers_without_a_token(api, world, route, &path).await?;
                let answer = ask(world, stranger, route, &path, Sent::default()).await?;
                answer.expect_problem(404, "not-found").with_context(|| path)?;
            }
        }
        Attack::Commands(commands) => {
            for command in commands(world) {
                let asked = command.body.clone();
                let wanted = command.expected;
                let answer = ask(world, stranger, route, route.path, command).await?;
                ensure!(answer.status.as_u16() == wanted, "{asked}: {answer:#?}");
                ensure!(!answer.headers.contains_key("idempotent-replayed"), "{answer:#?}");
            }
        }
        Attack::Elsewhere(_) => {}
    }
    Ok(())
}

/// A route that reads or changes a tenant's data asks who calls before anything else.
async fn refuses_strangers_without_a_token(
    api: &Api,
    world: &World,
    route: &Route,
    path: &str,
) -> anyhow::Result<()> {
    for (who, slug) in
        [(api.clone(), "unauthenticated"), (api.with_token("made.up.token"), "token-invalid")]
    {
        let answer = ask(world, &who, route, path, Sent::default()).await?;
        answer.expect_problem(401, slug).with_context(|| path.to_owned())?;
    }
    Ok(())
}

/// Sends a request that claims in every other way to be the victim's, and looks through the answer
/// for what is the victim's.
async fn ask(
    world: &World,
    who: &Api,
    route: &Route,
    path: &str,
    sent: Sent,
) -> anyhow::Result<Answer> {
    let mut request = who.request(route.method.clone(), path);
    for (name, value) in world.victim.claims() {
        request = request.header(name, value);
    }
    if route.method != Method::GET && route.method != Method::DELETE {
        request = request.json(&sent.body);
    }
    if let Some(key) = &sent.key {
        request = request.header("idempotency-key", key);
    }
    let answer = who.send(request).await?;
    let said = format!("{} {}", answer.body, texts(&answer.headers));
    // An answer may repeat what was asked.
    let asked = format!("{path} {}", sent.body);
    let told =
        world.victim.marks.iter().find(|mark| said.contains(*mark) && !asked.contains(*mark));
    if let Some(mark) = told {
        bail!("{path} tells a stranger of {mark}: {answer:#?}");
    }
    Ok(answer)
}

fn texts(headers: &HeaderMap) -> String {
    headers.values().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(" ")
}

/// Invites and revokes as `who`, and waits until the seat has come back over every queue between.
async fn work_off(who: &Person) -> anyhow::Result<()> {
    let invitation = who.invite("fence@stranger.example").await?.expect(201)?;
    let id = invitation["id"].as_str().context("no id")?;
    let used = seats_used(who).await?;
    who.api.delete(&format!("/v1/auth/invitations/{id}")).await?.expect(204)?;
    eventually("the seat to come back", async || {
        ensure!(seats_used(who).await? + 1 == used, "it is still taken");
        Ok(())
    })
    .await
}

async fn seats_used(who: &Person) -> anyhow::Result<u64> {
    let entitlements = who.api.get("/v1/billing/entitlements").await?.expect(200)?;
    entitlements["seats"]["used"].as_u64().context("no count")
}
