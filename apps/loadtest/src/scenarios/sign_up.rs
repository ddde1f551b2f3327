//! An organisation signs up.

use async_trait::async_trait;
use serde_json::json;

use crate::{
    client::Request,
    ledger::Entry,
    people::PASSWORD,
    scenario::{Dice, Ended, Scenario, Stage, Visit},
};

const REGISTER: &str = "POST /v1/auth/register";

/// Registers, follows the link in the mail, and logs in: two passwords are hashed.
pub(super) struct SignUp;

#[async_trait]
impl Scenario for SignUp {
    fn name(&self) -> &'static str {
        "sign-up"
    }

    fn about(&self) -> &'static str {
        "An organisation signs up: register, follow the link in the mail, log in."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        REGISTER
    }

    fn entries(&self) -> &'static [Entry] {
        &[Entry::SignUps]
    }

    async fn fits(&self, _stage: &Stage) -> Result<(), String> {
        Ok(())
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        let email = format!("owner@{}.example", visit.name());
        let registration = json!({
            "email": email, "password": PASSWORD, "name": "Ada Lovelace",
            "organization": visit.name(),
        });
        visit.send(Request::to(REGISTER).json(&registration)).await?;
        let token = visit.mailed_token(&email).await?;
        visit.think().await?;
        let proof = json!({ "token": token });
        visit.send(Request::to("POST /v1/auth/verify-email").json(&proof)).await?;
        visit.think().await?;
        let login = json!({ "email": email, "password": PASSWORD });
        visit.send(Request::to("POST /v1/auth/login").json(&login)).await?;
        visit.stage().ledger.signed_up(email);
        Ok(())
    }
}
