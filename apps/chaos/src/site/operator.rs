//! What an operator asks of the programs, on their internal listeners.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use xtask::shapes::Program;

use super::Site;
use crate::client;

/// Long enough, and of no use after the campaign.
const TOKEN: &str = "the operator of the campaign";

/// Knows the operators' credential.
#[derive(Debug)]
pub(super) struct Operator {
    http: reqwest::Client,
}

impl Operator {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { http: client::http()? })
    }

    pub(super) const fn token(&self) -> &'static str {
        TOKEN
    }

    pub(super) async fn is_ready(&self, program: &Program) -> bool {
        if program.pid().is_none() {
            return false;
        }
        let url = format!("{}/health/ready", program.internal_url());
        let answer = self.http.get(url).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

/// What a module's engine has yet to do, as its program tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Backlog {
    /// Events on their way out.
    #[serde(default)]
    pub outbox: Vec<Waiting>,
    /// Deliveries that wait for an attempt.
    pub pending: u64,
    /// Dead letters.
    pub dead: u64,
    /// Events for later.
    pub scheduled: u64,
}

/// What waits for one destination.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Waiting {
    /// The module that is to hear of it.
    pub destination: String,
    /// How many events wait.
    pub waiting: u64,
}

impl Backlog {
    /// Whether nothing is in hand; what is for later is not.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.pending == 0 && self.outbox.iter().all(|waiting| waiting.waiting == 0)
    }
}

#[derive(Deserialize)]
struct Points {
    reached: BTreeMap<String, u64>,
}

impl Site {
    /// What the engine of `module` has yet to do, as any of its programs sees it.
    ///
    /// # Errors
    /// The program does not tell.
    pub async fn backlog(&self, module: &str) -> Result<Backlog> {
        let programs = self.programs_with(module);
        let program = programs.first().with_context(|| format!("no program has {module}"))?;
        let url = format!("{}/ops/backlog/{module}", program.internal_url());
        let answer = self.operator.http.get(url).bearer_auth(TOKEN).send().await?;
        answer.error_for_status()?.json().await.context("reading a backlog")
    }

    /// Arms a point of one program, until the program ends.
    ///
    /// # Errors
    /// The program does not answer.
    pub async fn arm(&self, program: &Program, point: &str, actions: &str) -> Result<()> {
        let url = format!("{}/ops/failpoints/{point}", program.internal_url());
        let request = self.operator.http.put(url).bearer_auth(TOKEN).body(actions.to_owned());
        request.send().await?.error_for_status().context("arming a point").map(drop)
    }

    /// Disarms it. A program that is gone has forgotten it.
    pub async fn disarm(&self, program: &Program, point: &str) {
        let url = format!("{}/ops/failpoints/{point}", program.internal_url());
        drop(self.operator.http.delete(url).bearer_auth(TOKEN).send().await);
    }

    /// How often a program has come to a point that was armed.
    ///
    /// # Errors
    /// The program does not answer.
    pub async fn reached(&self, program: &Program, point: &str) -> Result<u64> {
        let url = format!("{}/ops/failpoints", program.internal_url());
        let answer = self.operator.http.get(url).bearer_auth(TOKEN).send().await?;
        let points: Points = answer.error_for_status()?.json().await?;
        Ok(points.reached.get(point).copied().unwrap_or_default())
    }
}
