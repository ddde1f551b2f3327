//! A sound product comes through.

use anyhow::Context as _;
use chaos::{Options, report::Report};
use clap::Parser;

/// Runs a campaign of some seconds, and has `judge` say whether it came to what it should. What it
/// left behind is removed only then: there is no other evidence of what went wrong.
pub(crate) async fn campaign(
    arguments: &[&str],
    judge: impl FnOnce(&Report) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // It stays after a panic, too.
    let folder = tempfile::Builder::new().prefix("chaos-").disable_cleanup(true).tempdir()?;
    let out = folder.path().to_str().unwrap_or_default();
    let all = ["chaos", "--engine", "embedded", "--clients", "4", "--out", out];
    let options = Options::try_parse_from(all.into_iter().chain(arguments.iter().copied()))?;
    let judged = chaos::run(&options).await.and_then(|report| judge(&report));
    judged.with_context(|| format!("the evidence is in {}", folder.path().display()))?;
    std::fs::remove_dir_all(folder.path())?;
    Ok(())
}

fn is_clean(report: &Report) -> anyhow::Result<()> {
    anyhow::ensure!(report.is_clean(), "{}", report.text());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monolith_that_dies_between_two_steps_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let faults = "kill-after-charge,kill-after-publish,kill-before-ack,poison,stampede";
    campaign(&["--minutes", "0.1", "--shape", "monolith", "--faults", faults], is_clean).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_cut_off_and_lied_for_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let faults = "kill-billing,network-cut,network-reset,billing-garbage,clock-apart";
    campaign(&["--minutes", "0.1", "--shape", "billing", "--faults", faults], is_clean).await
}
