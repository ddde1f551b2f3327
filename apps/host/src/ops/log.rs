//! What this program logs, changed while it runs.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use serde::{Deserialize, Serialize};
use web::{ApiJson, Problem};

use super::Ops;
use crate::telemetry::{LevelError, LogLevel};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Level {
    /// A level, or directives such as `info,storage=debug`.
    level: String,
}

pub(super) async fn show(ops: Data<Ops>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    Ok(told(ops.telemetry()?.level()))
}

/// Until the program ends, or the next change.
pub(super) async fn change(
    ops: Data<Ops>,
    request: HttpRequest,
    wanted: ApiJson<Level>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let log = ops.telemetry()?.level();
    let before = log.current();
    let wanted = wanted.into_inner().level;
    log.change(&wanted)?;
    tracing::warn!(before, now = wanted, "an operator changed what is logged");
    Ok(told(log))
}

/// Back to what the configuration says.
pub(super) async fn reset(ops: Data<Ops>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let log = ops.telemetry()?.level();
    log.reset()?;
    Ok(told(log))
}

fn told(log: &LogLevel) -> HttpResponse {
    HttpResponse::Ok().json(Level { level: log.current() })
}

impl From<LevelError> for Problem {
    fn from(error: LevelError) -> Self {
        match &error {
            LevelError::Malformed(_) => {
                let title = "The level is none";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "log-level-malformed", title)
                    .detail(error.to_string())
            }
            LevelError::Gone(_) => Self::internal(error),
        }
    }
}
