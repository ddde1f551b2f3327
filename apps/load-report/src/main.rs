//! Draws the report of a campaign.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Parser;
use load_report::{model::Campaign, render, summary};

/// Draws one self-contained HTML page from what load runs measured.
#[derive(Debug, Parser)]
#[command(name = "load-report", version)]
struct Options {
    /// What the runs measured, such as `campaign.json`.
    campaign: PathBuf,
    /// Where the page goes; beside the campaign as `report.html` unless told.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Writes the findings, targets and comparisons there as JSON, too.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let campaign = Campaign::load(&options.campaign)?;
    let out = options.out.unwrap_or_else(|| options.campaign.with_file_name("report.html"));
    write(&out, &render(&campaign))?;
    if let Some(path) = options.summary {
        let json = serde_json::to_string_pretty(&summary(&campaign)).context("as JSON")?;
        write(&path, &(json + "\n"))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
