//! Whether traffic suffers from a transaction that somebody holds open: nothing can be cleaned up
//! behind it, and what is read at each turn must not grow with what has been done.

use std::time::Duration;

use anyhow::Result;
use sea_orm::ConnectionTrait;
use tokio::time::Instant;

use crate::{Options, events_flow::Flow, finding::Finding, load::median};

pub(crate) async fn measure(options: &Options) -> Result<Vec<Finding>> {
    let flow = Flow::start().await?;
    let at_once = options.events / 4;
    flow.drain(at_once).await?;
    let (mut before, mut during) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        before.push(flow.drain(at_once).await?);
    }
    // Its snapshot keeps every row alive that is changed or deleted from here on.
    let holder = flow.source().database.superuser().await?;
    holder.execute_unprepared("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await?;
    let until = Instant::now() + Duration::from_secs(options.held_seconds);
    while Instant::now() < until || during.len() < options.rounds {
        during.push(flow.drain(at_once).await?);
    }
    holder.execute_unprepared("COMMIT").await?;
    flow.stop().await;
    // The last rounds, when most has piled up.
    let last = during.len() - options.rounds;
    let share = median(&mut during[last..]) / median(&mut before);
    Ok(vec![Finding {
        what: format!(
            "outbox to effect after {} s beside an open transaction, over before",
            options.held_seconds
        ),
        measured: format!("{share:.2}"),
        target: "0.90 or more".to_owned(),
        is_met: share >= 0.9,
    }])
}
