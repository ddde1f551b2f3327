//! Somebody with an address and a password.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::client::{Answer, Client, Patience, Request};

/// A password that is long enough.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// Somebody who may be logged in.
#[derive(Debug)]
pub struct Person {
    /// Their address.
    pub email: String,
    token: Mutex<Option<String>>,
}

impl Person {
    /// Somebody who has not logged in yet.
    #[must_use]
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), token: Mutex::default() }
    }

    /// What they log in with.
    #[must_use]
    pub fn login(&self) -> Request {
        let body = json!({ "email": self.email, "password": PASSWORD });
        Request::post("/v1/auth/login", body)
    }

    /// Their access token, if they have logged in.
    #[must_use]
    pub fn token(&self) -> Option<String> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the access token of the answer to a login.
    pub fn take_token(&self, answer: &Value) {
        let token = answer["access_token"].as_str().map(str::to_owned);
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// Logs in; once, where the answer is final.
    pub async fn log_in(&self, client: &Client, mut patience: Patience) -> Answer {
        loop {
            patience.attempt();
            let answer = client.send(&self.login(), None).await;
            let wait = match &answer {
                Answer::Done(body) => {
                    self.take_token(body);
                    return answer;
                }
                Answer::Refused { .. } | Answer::SignedOut => return answer,
                Answer::NotDone { wait, .. } | Answer::Unknown { wait, .. } => *wait,
            };
            if !patience.pause(wait).await {
                return answer;
            }
        }
    }
}
