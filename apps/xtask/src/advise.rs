//! `cargo xtask advise`: what to do about growth, by a situation that a program was asked for.

use std::{fs, path::Path, path::PathBuf};

use advisor::{Advice, Situation, Thresholds};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::console::say;

/// What `advise` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// What `GET /ops/advice/situation` answered, in a file.
    pub situation: PathBuf,
    /// A configuration file whose `[advisor.thresholds]` are used in place of the defaults.
    #[arg(long)]
    pub thresholds: Option<PathBuf>,
    /// The advice as JSON, as `GET /ops/advice` gives it.
    #[arg(long)]
    pub json: bool,
}

/// Of a program's configuration what matters here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Configured {
    advisor: Section,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Section {
    thresholds: Thresholds,
}

/// Prints the advice.
///
/// # Errors
/// Those of [`advice`].
pub fn run(options: &Options) -> Result<()> {
    let advice = advice(options)?;
    if options.json {
        say(format_args!("{}", serde_json::to_string_pretty(&advice)?));
    } else {
        say(format_args!("{advice}"));
    }
    Ok(())
}

/// The advice for a situation that was saved.
///
/// # Errors
/// A file that cannot be read, or is something else; thresholds out of their bounds.
pub fn advice(options: &Options) -> Result<Advice> {
    let situation: Situation = serde_json::from_str(&read(&options.situation)?)
        .with_context(|| format!("{} is no situation", options.situation.display()))?;
    let thresholds = match &options.thresholds {
        Some(file) => thresholds(file)?,
        None => Thresholds::default(),
    };
    Ok(advisor::advise(&situation, &thresholds))
}

fn thresholds(file: &Path) -> Result<Thresholds> {
    let configured: Configured = toml::from_str(&read(file)?)
        .with_context(|| format!("{} is no configuration", file.display()))?;
    let thresholds = configured.advisor.thresholds;
    let mistakes: Vec<String> = thresholds
        .mistakes()
        .into_iter()
        .map(|(name, what)| format!("advisor.thresholds.{name} {what}"))
        .collect();
    if !mistakes.is_empty() {
        bail!("{}: {}", file.display(), mistakes.join("; "));
    }
    Ok(thresholds)
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}
