//! The program's metrics, for Prometheus.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use web::Problem;

use super::Ops;
use crate::config::MetricsAccess;

/// For whoever may read them, as the configuration says.
pub(super) async fn show(ops: Data<Ops>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if ops.metrics == MetricsAccess::Operators {
        ops.authorise(&request)?;
    }
    let metrics = ops.telemetry()?.metrics().ok_or_else(Problem::not_found)?;
    let text = metrics.text().map_err(|error| Problem::internal(Gathering(error)))?;
    Ok(HttpResponse::Ok().content_type(PROMETHEUS).body(text))
}

/// Version 0.0.4 of Prometheus' text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Debug, thiserror::Error)]
#[error("the metrics could not be written")]
struct Gathering(#[source] anyhow::Error);
