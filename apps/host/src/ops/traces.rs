//! What became of this program's traces.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use otlp::Exported;
use serde::Serialize;
use telemetry::Figures;
use web::Problem;

use super::Ops;

#[derive(Serialize)]
struct Traces {
    /// Parts of traces that were kept, and that were not.
    kept: u64,
    forgotten: u64,
    /// Spans that there was no room for here.
    left_out: u64,
    /// Nothing where no collector is configured.
    collector: Option<Collector>,
}

/// Spans.
#[derive(Serialize)]
struct Collector {
    sent: u64,
    /// The collector was down, slow or refused them.
    lost: u64,
    /// Too many waited already.
    left_out: u64,
}

/// Since the program was started.
pub(super) async fn show(ops: Data<Ops>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let telemetry = ops.telemetry()?;
    let Figures { kept, forgotten, left_out } = telemetry.traces();
    let collector = telemetry.exported();
    let collector =
        collector.map(|Exported { sent, lost, left_out }| Collector { sent, lost, left_out });
    Ok(HttpResponse::Ok().json(Traces { kept, forgotten, left_out, collector }))
}
