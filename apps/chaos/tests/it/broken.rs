//! A product that breaks a promise is found out: the checks work.

use anyhow::ensure;
use chaos::ledger::Harm;

use crate::short::campaign;

/// Breaks `promise`, inflicts what brings it to light, and expects damage of that kind.
async fn found_out(promise: &str, faults: &str, expected: Harm) -> anyhow::Result<()> {
    let arguments = ["--shape", "monolith", "--break", promise, "--faults", faults];
    let report = campaign(&arguments).await?;
    ensure!(report.findings.count(expected) > 0, "nobody noticed:\n{}", report.text());
    ensure!(!report.is_clean(), "{}", report.text());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_that_forgets() -> anyhow::Result<()> {
    found_out("inbox", "kill-after-publish,kill-before-ack", Harm::Doubled).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_under_another_key_each_time() -> anyhow::Result<()> {
    found_out("idempotency", "kill-after-charge", Harm::Doubled).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_apart_from_what_it_tells_of() -> anyhow::Result<()> {
    found_out("outbox", "kill-before-outbox", Harm::Lost).await
}
