//! What people do while Prometheus watches.

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;
use journeys::{Api, PASSWORD, Person, eventually, mails, organization};
use serde_json::json;

/// People who come at once.
const AT_ONCE: usize = 3;
/// Of direct calls every sixteenth is timed: so many people make enough of them for two.
const TRIES: usize = 6;

/// Some people come, pay, invite, use, fail and are written to.
pub(super) async fn people(api: &Api, round: usize) -> anyhow::Result<Person> {
    let names = (0..AT_ONCE).map(|n| format!("watched-{round}-{n}"));
    let owners = try_join_all(names.map(async |name| customer(api, &name).await)).await?;
    owners.into_iter().next().context("nobody came")
}

async fn customer(api: &Api, name: &str) -> anyhow::Result<Person> {
    let owner = organization(api, name).await?;
    owner.until_seats_used(1).await?;
    invitations(&owner, name).await?;
    for n in 0..TRIES {
        let declined = "pm_card_visa_chargeDeclined";
        checkout(&owner, &format!("declined-{n}"), declined).await?.expect(402)?;
    }
    let gone = "pm_sandbox_unreachable";
    checkout(&owner, "unreachable", gone).await?.expect(503)?;
    owner.subscribe(3).await?;
    let wrong = json!({ "email": owner.email, "password": format!("not {PASSWORD}") });
    api.post("/v1/auth/login", &wrong).await?.expect(401)?;
    for path in ["/v1/auth/me", "/v1/billing/entitlements", "/v1/notifications"] {
        owner.api.get(path).await?.expect(200)?;
    }
    eventually("the mail of the paid invoice", async || {
        let mails = mails(api, &owner.email).await?;
        let is_invoice = |subject: &str| subject.starts_with("Invoice");
        ensure!(mails.iter().any(|mail| mail["subject"].as_str().is_some_and(is_invoice)));
        Ok(())
    })
    .await?;
    Ok(owner)
}

/// There is one seat besides the owner's: others are refused, which is an answer too.
async fn invitations(owner: &Person, name: &str) -> anyhow::Result<()> {
    let first = owner.invite(&format!("first@{name}.example")).await?.expect(201)?;
    for n in 0..TRIES {
        let refused = owner.invite(&format!("guest-{n}@{name}.example")).await?;
        refused.expect_problem(403, "no-free-seat")?;
    }
    let id = first["id"].as_str().context("no id")?;
    owner.api.delete(&format!("/v1/auth/invitations/{id}")).await?.expect(204)?;
    owner.until_seats_used(1).await
}

/// A request to subscribe under a key of its own.
pub(super) async fn checkout(
    owner: &Person,
    key: &str,
    payment_method: &str,
) -> anyhow::Result<journeys::Answer> {
    let order = json!({
        "price_id": owner.paid_price().await?, "quantity": 3, "payment_method": payment_method,
    });
    let key = format!("{key}-{}", owner.email);
    owner.api.post_once("/v1/billing/subscriptions", &key, &order).await
}
