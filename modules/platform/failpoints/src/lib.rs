//! Named points in a program at which a campaign makes it die, wait or break a promise.
//!
//! A crate depends on this one behind its feature `failpoints` and nothing else, so that no program
//! that anybody runs contains a point. A point is one line:
//!
//! ```
//! # async fn settle() {
//! // #[cfg(feature = "failpoints")]
//! failpoints::reach("billing::charged_before_commit").await;
//! # }
//! ```
//!
//! Points are armed while the program runs ([`arm`]), in the language of the crate `fail`:
//! `1*return(kill)` kills the program the next time it comes there, `20%return(sleep:500)` holds up
//! every fifth. What stands in the brackets is an [`Act`].

use std::{
    collections::BTreeMap,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What a program does where it reaches an armed point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// `kill`: it dies as by `kill -9`. Nothing is flushed, closed or given back.
    Kill,
    /// `sleep:<milliseconds>`: the task waits; others of the program go on.
    Sleep(Duration),
    /// `hold`: the task waits until the point is disarmed.
    Hold,
    /// `panic`: the task panics, with the point's name.
    Panic,
    /// Any other word: a switch. The code at the point decides what it means.
    Switch,
}

/// The text of an act cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

impl FromStr for Act {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.split_once(':') {
            None if text == "kill" => Ok(Self::Kill),
            None if text == "hold" => Ok(Self::Hold),
            None if text == "panic" => Ok(Self::Panic),
            None => Ok(Self::Switch),
            Some(("sleep", millis)) => millis
                .parse()
                .map(|millis| Self::Sleep(Duration::from_millis(millis)))
                .map_err(|_| Malformed(format!("`{millis}` is no number of milliseconds"))),
            Some((other, _)) => Err(Malformed(format!("there is no act `{other}`"))),
        }
    }
}

/// The program is at the point `name`: does what the point is armed for. Nothing, where it is not.
pub async fn reach(name: &'static str) {
    let Some(word) = evaluate(name) else { return };
    match word.parse() {
        Ok(Act::Kill) => die().await,
        Ok(Act::Sleep(time)) => tokio::time::sleep(time).await,
        Ok(Act::Hold) => held(name).await,
        Ok(Act::Panic) => panic!("it was told to, at {name}"),
        // `arm` has let only what can be understood pass.
        Ok(Act::Switch) | Err(_) => {}
    }
}

/// Whether the switch `name` is on, this time.
#[must_use]
pub fn is_on(name: &'static str) -> bool {
    evaluate(name).is_some()
}

/// The word that the switch `name` is set to, this time, where it is on.
#[must_use]
pub fn setting(name: &'static str) -> Option<String> {
    evaluate(name)
}

/// Arms the point `name`, instead of what it was armed for before. A name that no code has is armed
/// in vain.
///
/// # Errors
/// `actions` are not of the crate `fail`'s language, or contain what is no [`Act`]: blocking a
/// thread is not among them.
pub fn arm(name: &str, actions: &str) -> Result<(), Malformed> {
    for action in actions.split("->") {
        let word = action.trim().strip_suffix(')').and_then(|rest| rest.split_once("return("));
        let Some((_, word)) = word else {
            return Err(Malformed(format!("`{action}` is not `[percent%][times*]return(act)`")));
        };
        word.parse::<Act>()?;
    }
    fail::cfg(name, actions).map_err(Malformed)
}

/// Disarms the point `name` and lets those go on that it holds.
pub fn disarm(name: &str) {
    fail::remove(name);
}

/// The points that are armed, with what for.
#[must_use]
pub fn armed() -> BTreeMap<String, String> {
    fail::list().into_iter().collect()
}

/// How often each point was reached while it was armed, since the program started.
#[must_use]
pub fn reached() -> BTreeMap<String, u64> {
    counts().clone()
}

static COUNTS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

fn counts() -> MutexGuard<'static, BTreeMap<String, u64>> {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn evaluate(name: &'static str) -> Option<String> {
    let word = word_of(name)?;
    *counts().entry(name.to_owned()).or_default() += 1;
    Some(word)
}

fn word_of(name: &'static str) -> Option<String> {
    fail::fail_point!(name, |word: Option<String>| Some(word.unwrap_or_default()));
    None
}

async fn held(name: &'static str) {
    const LOOK_EVERY: Duration = Duration::from_millis(20);
    while fail::list().iter().any(|(armed, _)| armed == name) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Ends the process before anything else happens in this task.
async fn die() {
    // To oneself there is nothing that could forbid it.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::future::pending().await
}

#[cfg(test)]
mod tests;
