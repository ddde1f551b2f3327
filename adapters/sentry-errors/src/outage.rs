//! A tracker that takes nothing is told once.

use telemetry::errors::Lost;

/// Whether the tracker takes what it is sent.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    is_down: bool,
}

impl Outage {
    /// Says when it begins and when it ends, and nothing in between. What the tracker said itself is in
    /// no line: it may repeat what it was sent.
    pub(crate) fn note(&mut self, outcome: Result<(), Unsent>) {
        match outcome {
            Ok(()) => {
                if std::mem::take(&mut self.is_down) {
                    tracing::info!("the error tracker takes reports again");
                }
            }
            Err(unsent) => {
                if !std::mem::replace(&mut self.is_down, true) {
                    tracing::warn!(
                        error = &unsent as &dyn std::error::Error,
                        "the error tracker takes no reports; what comes until it does is in the log \
                         alone"
                    );
                }
            }
        }
    }
}

/// Why a report did not come to the tracker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsent {
    #[error("the error tracker cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the error tracker answered {0}")]
    Status(reqwest::StatusCode),
    #[error("a report could not be written")]
    Unwritten(#[source] std::io::Error),
}

impl Unsent {
    pub(crate) fn loss(&self) -> Lost {
        match self {
            Self::Unreachable(_) => Lost::Unreachable,
            Self::Status(status) if status.as_u16() == 429 => Lost::Limited,
            Self::Status(status) if status.is_server_error() => Lost::Unreachable,
            Self::Status(_) | Self::Unwritten(_) => Lost::Refused,
        }
    }
}
