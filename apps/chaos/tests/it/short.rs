//! A sound product comes through.

use chaos::{Options, report::Report};
use clap::Parser;

/// Runs a campaign of some seconds, and gives back what it came to.
pub(crate) async fn campaign(arguments: &[&str]) -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().to_str().unwrap_or_default();
    let all = ["chaos", "--engine", "embedded", "--clients", "4", "--out", out];
    let options = Options::try_parse_from(all.into_iter().chain(arguments.iter().copied()))?;
    chaos::run(&options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monolith_that_dies_between_two_steps_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let faults = "kill-after-charge,kill-after-publish,kill-before-ack,poison,stampede";
    let report = campaign(&["--minutes", "0.1", "--shape", "monolith", "--faults", faults]).await?;
    anyhow::ensure!(report.is_clean(), "{}", report.text());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_cut_off_and_lied_for_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let faults = "kill-billing,network-cut,network-reset,billing-garbage,clock-apart";
    let report = campaign(&["--minutes", "0.1", "--shape", "billing", "--faults", faults]).await?;
    anyhow::ensure!(report.is_clean(), "{}", report.text());
    Ok(())
}
