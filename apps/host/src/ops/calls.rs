//! How often this program's modules call others, and where the time of those calls goes.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use seam::CallFigures;
use serde::Serialize;
use web::Problem;

use super::Ops;

#[derive(Serialize)]
struct Seam {
    /// Since the program was started.
    calls: Vec<CallFigures>,
}

/// Calls by caller and method, with the steps of those that leave the process.
pub(super) async fn show(ops: Data<Ops>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    Ok(HttpResponse::Ok().json(Seam { calls: ops.ports.meter().read() }))
}
