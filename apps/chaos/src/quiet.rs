//! Waits until the system has nothing in hand, and lets time pass faster meanwhile.
//!
//! What failed waits for its next attempt, and what was cut off for its time to be up: minutes, and
//! hours at the most. Nobody has that time, so the clocks are put forward, step by step, and after
//! each step the system has to come to rest anew. What is not at rest then never comes to rest.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::site::{Backlog, MODULES, Site};

/// By how many seconds the clocks are put forward, one step after the other. Together they outlast
/// every wait that the product knows but the expiry of invitations (7 days).
const STEPS: [u32; 6] = [60, 300, 900, 1_800, 3_600, 3_600];
/// How long the system may take after each step.
const PATIENCE: Duration = Duration::from_secs(20);
/// Seen at rest so often, it is.
const LOOKS: u32 = 3;
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// How the system came to rest, or did not.
#[derive(Clone, Debug)]
pub struct Rest {
    /// Whether it did.
    pub is_complete: bool,
    /// How long that took.
    pub waited: Duration,
    /// By how many seconds the clocks are ahead now.
    pub ahead: u32,
    /// What is left, by the module.
    pub left: BTreeMap<String, Backlog>,
}

/// Puts the clocks forward from `from` seconds on, step by step, until nothing is in hand.
///
/// # Errors
/// The clocks cannot be set.
pub async fn come_to_rest(site: &Site, from: u32) -> Result<Rest> {
    let begun = Instant::now();
    let (mut ahead, mut left) = (from, BTreeMap::new());
    for step in STEPS {
        ahead += step;
        site.set_clock(&ahead.to_string())?;
        left = rest(site).await;
    }
    Ok(Rest { is_complete: is_quiet(&left), waited: begun.elapsed(), ahead, left })
}

/// Waits until the system is at rest as things stand; says what is left.
pub async fn rest(site: &Site) -> BTreeMap<String, Backlog> {
    let begun = Instant::now();
    let mut quiet = 0;
    loop {
        let left = look(site).await;
        quiet = if is_quiet(&left) && !is_under_way(site).await { quiet + 1 } else { 0 };
        if quiet >= LOOKS || begun.elapsed() > PATIENCE {
            return left;
        }
        sleep(LOOK_EVERY).await;
    }
}

fn is_quiet(left: &BTreeMap<String, Backlog>) -> bool {
    left.len() == MODULES.len() && left.values().all(Backlog::is_quiet)
}

/// Whether anything lies in the broker, or the broker does not tell.
async fn is_under_way(site: &Site) -> bool {
    match site.ground().engines() {
        None => false,
        Some(engines) => engines.messages().await.map_or(true, |messages| messages.waiting > 0),
    }
}

/// What each module has in hand; one that does not tell is left out.
async fn look(site: &Site) -> BTreeMap<String, Backlog> {
    let mut left = BTreeMap::new();
    for module in MODULES {
        if let Ok(backlog) = site.backlog(module).await {
            left.insert(module.to_owned(), backlog);
        }
    }
    left
}
