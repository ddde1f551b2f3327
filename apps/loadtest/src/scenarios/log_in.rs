//! Somebody comes back.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    client::Request,
    ledger::Entry,
    people::PASSWORD,
    scenario::{Dice, Ended, Scenario, Visit},
};

const LOGIN: &str = "POST /v1/auth/login";

/// Logs in with a password, which is meant to cost the server time, and looks at the inbox.
pub(super) struct LogIn;

#[async_trait]
impl Scenario for LogIn {
    fn name(&self) -> &'static str {
        "log-in"
    }

    fn about(&self) -> &'static str {
        "Somebody comes back: log in with a password, ask who one is, look into the inbox."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        LOGIN
    }

    fn entries(&self) -> &'static [Entry] {
        &[]
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        let stage = visit.stage().clone();
        let who = stage.roster.anybody(&mut visit.dice).ok_or(Ended::Stuck("nobody"))?;
        let login = json!({ "email": who.email, "password": PASSWORD });
        let answer = visit.send(Request::to(LOGIN).json(&login)).await?;
        let tokens: Value = answer.read().map_err(|_| Ended::Stuck("no tokens"))?;
        let token = tokens["access_token"].as_str().ok_or(Ended::Stuck("no access token"))?;
        let bearer = format!("Bearer {token}").parse().map_err(|_| Ended::Stuck("no token"))?;
        let me = Request::to("GET /v1/auth/me").by(bearer);
        let inbox = Request::to("GET /v1/notifications").by(who.bearer());
        visit.send(me).await?;
        visit.send(inbox).await?;
        Ok(())
    }
}
