//! Logs: pretty for people, JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Config, LogFormat, Mistakes, Profile};

/// What is noise at `info` in a program that works. `lapin` warns of a returned message with all
/// that is in it, which is for no log.
const QUIET: &str = "sqlx=warn,sea_orm=warn,sea_orm_migration=warn,actix_server=warn,hyper=warn,\
                     lapin=error";

/// Checks `log.level`.
pub(crate) fn check(config: &Config, mistakes: &mut Mistakes) {
    if let Err(error) = EnvFilter::builder().parse(&config.log.level) {
        mistakes.add("log.level", error);
    }
}

/// Starts logging for the whole process. A second start, as in tests, changes nothing.
pub(crate) fn start(config: &Config) {
    let directives = format!("{QUIET},{}", config.log.level);
    let filter = EnvFilter::builder().parse_lossy(directives);
    let format = config.log.format.unwrap_or(match config.profile {
        Profile::Local | Profile::Test => LogFormat::Pretty,
        Profile::Production => LogFormat::Json,
    });
    let registry = tracing_subscriber::registry().with(filter);
    let started = match format {
        LogFormat::Pretty => {
            let colours = std::io::stdout().is_terminal();
            registry.with(fmt::layer().compact().with_target(false).with_ansi(colours)).try_init()
        }
        LogFormat::Json => registry.with(fmt::layer().json().flatten_event(true)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging had been started before");
    }
}
