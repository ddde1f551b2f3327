//! People who use the product.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::{Api, eventually};

/// The password that everybody here has; it is long enough.
pub const PASSWORD: &str = "correct horse battery staple";

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Person {
    /// Their address.
    pub email: String,
    /// A client with their access token.
    pub api: Api,
    /// What they refresh it with.
    pub refresh_token: String,
}

/// An organisation that nobody else has: its owner registers, verifies the address with the link
/// from the mail, and logs in.
///
/// # Errors
/// A step that did not go as it should.
pub async fn organization(api: &Api, name: &str) -> anyhow::Result<Person> {
    let email = format!("owner@{name}.example");
    let registration = json!({
        "email": email, "password": PASSWORD, "name": "Ada Lovelace", "organization": name,
    });
    api.post("/v1/auth/register", &registration).await?.expect(202)?;
    let token = token_from_mail(api, &email).await?;
    api.post("/v1/auth/verify-email", &json!({ "token": token })).await?.expect(204)?;
    Person::log_in(api, &email).await
}

impl Person {
    /// Logs in with the password that everybody here has.
    ///
    /// # Errors
    /// A refusal.
    pub async fn log_in(api: &Api, email: &str) -> anyhow::Result<Self> {
        let login = json!({ "email": email, "password": PASSWORD });
        let body = api.post("/v1/auth/login", &login).await?.expect(200)?;
        let text = |field: &str| {
            body[field].as_str().map(str::to_owned).with_context(|| format!("no {field}"))
        };
        Ok(Self {
            email: email.to_owned(),
            api: api.with_token(text("access_token")?),
            refresh_token: text("refresh_token")?,
        })
    }

    /// Subscribes with a card that works.
    ///
    /// # Errors
    /// A refusal.
    pub async fn subscribe(&self, quantity: u32) -> anyhow::Result<Value> {
        let order = json!({
            "price_id": self.paid_price().await?, "quantity": quantity,
            "payment_method": "pm_card_visa",
        });
        let key = format!("subscribe-{}", self.email);
        self.api.post_once("/v1/billing/subscriptions", &key, &order).await?.expect(201)
    }

    /// The first price of the price list that costs something.
    ///
    /// # Errors
    /// A price list without one.
    pub async fn paid_price(&self) -> anyhow::Result<String> {
        let body = self.api.get("/v1/billing/plans").await?.expect(200)?;
        let plans = body["plans"].as_array().context("no plans")?;
        plans
            .iter()
            .flat_map(|plan| plan["prices"].as_array().into_iter().flatten())
            .find_map(|price| price["id"].as_str())
            .map(str::to_owned)
            .context("no price")
    }

    /// Invites `email` as a member.
    ///
    /// # Errors
    /// No answer.
    pub async fn invite(&self, email: &str) -> anyhow::Result<crate::Answer> {
        self.api.post("/v1/auth/invitations", &json!({ "email": email, "role": "member" })).await
    }

    /// Accepts the invitation that was mailed to `email`, as somebody new, and logs in.
    ///
    /// # Errors
    /// A step that did not go as it should.
    pub async fn accept(api: &Api, email: &str) -> anyhow::Result<Self> {
        let token = token_from_mail(api, email).await?;
        let acceptance = json!({ "token": token, "name": "Grace Hopper", "password": PASSWORD });
        api.post("/v1/auth/invitations/accept", &acceptance).await?.expect(200)?;
        Self::log_in(api, email).await
    }

    /// Waits until the person's organisation is told that so many seats are used: they are counted
    /// from events, so that the count comes a moment later.
    ///
    /// # Errors
    /// Another count after a minute and a half.
    pub async fn until_seats_used(&self, used: u32) -> anyhow::Result<()> {
        eventually("the seats to be counted", async || {
            let entitlements = self.api.get("/v1/billing/entitlements").await?.expect(200)?;
            ensure!(entitlements["seats"]["used"] == used, "{entitlements:#}");
            Ok(())
        })
        .await
    }
}

/// The token in the link of the newest mail to `email`, once it has arrived.
async fn token_from_mail(api: &Api, email: &str) -> anyhow::Result<String> {
    eventually("the mail", async || {
        let mails = mails(api, email).await?;
        let links = mails.first().context("no mail yet")?["links"].clone();
        let link = links[0].as_str().context("a mail without a link")?;
        let (_, token) = link.rsplit_once("?token=").context("a link without a token")?;
        Ok(token.to_owned())
    })
    .await
}

/// The mails to `email`, newest first.
///
/// # Errors
/// No answer.
pub async fn mails(api: &Api, email: &str) -> anyhow::Result<Vec<Value>> {
    let email = email.replace('+', "%2B");
    let body = api.get(&format!("/sandbox/mailbox?to={email}")).await?.expect(200)?;
    Ok(body["items"].as_array().context("no items")?.clone())
}
