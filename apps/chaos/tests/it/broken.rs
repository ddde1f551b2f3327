//! A product that breaks a promise is found out: the checks work.

use anyhow::ensure;
use chaos::ledger::Harm;

use crate::short::campaign;

/// Breaks a promise, inflicts what brings it to light, and expects damage of that kind.
async fn found_out(promise: &str, how: [&str; 2], expected: Harm) -> anyhow::Result<()> {
    let [faults, minutes] = how;
    let arguments = ["--shape", "monolith", "--break", promise, "--faults", faults];
    let arguments = [&arguments[..], &["--minutes", minutes]].concat();
    campaign(&arguments, |report| {
        ensure!(report.findings.count(expected) > 0, "nobody noticed:\n{}", report.text());
        ensure!(!report.is_clean(), "{}", report.text());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_that_forgets() -> anyhow::Result<()> {
    // Many kills: not every event that comes again does something twice that anybody would see.
    found_out("inbox", ["kill-after-publish,kill-before-ack", "0.4"], Harm::Doubled).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_under_another_key_each_time() -> anyhow::Result<()> {
    found_out("idempotency", ["kill-after-charge", "0.1"], Harm::Doubled).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_apart_from_what_it_tells_of() -> anyhow::Result<()> {
    found_out("outbox", ["kill-before-outbox", "0.1"], Harm::Lost).await
}
