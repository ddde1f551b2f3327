//! What is logged, changed while the program runs.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::Subscriber;
use tracing_log::AsLog;
use tracing_subscriber::{
    EnvFilter,
    filter::{LevelFilter, ParseError},
    reload::{self, Handle},
};

/// What is noise at `info` in a program that works. `lapin` warns of a returned message with all
/// that is in it, which is for no log.
const QUIET: &str = "sqlx=warn,sea_orm=warn,sea_orm_migration=warn,actix_server=warn,hyper=warn,\
                     lapin=error";

/// Says what is logged. Cheap to clone.
#[derive(Clone)]
pub(crate) struct LogLevel(Arc<Inner>);

struct Inner {
    configured: String,
    current: Mutex<String>,
    change: Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>,
}

/// Why the log stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LevelError {
    /// What was asked for is no level.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// There is no log any more.
    #[error("the log cannot be changed")]
    Gone(#[source] reload::Error),
}

/// What is no level and no directive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    /// A bare word would be taken for the name of a target, of which everything is shown: a level
    /// with a slip of the pen would silence all others.
    #[error("`{0}` is no level, and no directive such as `storage=debug`")]
    Word(String),
    /// `tracing` does not understand it.
    #[error(transparent)]
    Filter(#[from] ParseError),
}

/// What `directives` ask for, on top of what is quiet by default. Separated by commas, each is a level
/// or `target=level`.
pub(crate) fn parse(directives: &str) -> Result<EnvFilter, Malformed> {
    let mut all = QUIET.to_owned();
    for directive in directives.split(',').map(str::trim) {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
        if level.is_empty() || level.parse::<LevelFilter>().is_err() {
            return Err(Malformed::Word(directive.to_owned()));
        }
        all += ",";
        all += directive;
    }
    Ok(EnvFilter::builder().parse(all)?)
}

impl LogLevel {
    pub(super) fn new<S: Subscriber + 'static>(
        configured: &str,
        filter: Handle<EnvFilter, S>,
    ) -> Self {
        Self(Arc::new(Inner {
            configured: configured.to_owned(),
            current: Mutex::new(configured.to_owned()),
            change: Box::new(move |to| filter.reload(to)),
        }))
    }

    /// The directives that hold now.
    pub(crate) fn current(&self) -> String {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on, and until the program ends or the next change.
    pub(crate) fn change(&self, directives: &str) -> Result<(), LevelError> {
        let filter = parse(directives)?;
        // What comes from libraries that know no spans is stopped before it gets here.
        let most = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        (self.0.change)(filter).map_err(LevelError::Gone)?;
        tracing_log::log::set_max_level(most.as_log());
        directives.clone_into(&mut current);
        Ok(())
    }

    /// Back to what the configuration says.
    pub(crate) fn reset(&self) -> Result<(), LevelError> {
        self.change(&self.0.configured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_no_target() {
        for good in ["info", "off", "WARN", "info,storage=debug", " info , events::relay=trace"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["", "inof", "info,", "loud, please", "storage=loud", "storage=", "info storage"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
