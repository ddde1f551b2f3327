//! How often this program's modules call others and are asked from outside, where the time of those
//! calls goes, and what they would cost if a module had a program of its own.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use seam::{
    CallFigures, RequestFigures,
    price::{Counted, ExtractionPrice, HopFigures, predict},
};
use serde::Serialize;
use web::Problem;

use super::Ops;
use crate::observers::counted;

#[derive(Serialize)]
struct Seam {
    /// How long ago the program was started. All that follows is since then.
    seconds: f64,
    calls: Vec<CallFigures>,
    /// Of clients, for each module.
    requests: Vec<RequestFigures>,
}

#[derive(Serialize)]
struct Price {
    /// What a hop to another program costs on this machine.
    hop: HopFigures,
    /// What it would add to have one of these in a program of its own, by what was counted since
    /// the program was started.
    modules: Vec<ExtractionPrice>,
}

/// Calls by caller and method, with the steps of those that leave the process.
pub(super) async fn show(ops: Data<Ops>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let Counted { over, calls, requests } = ops.counted();
    Ok(HttpResponse::Ok().json(Seam { seconds: over.as_secs_f64(), calls, requests }))
}

/// What extraction would cost of each module that is here. Takes some seconds where nobody has asked
/// for ten minutes: a hop is measured then.
pub(super) async fn price(ops: Data<Ops>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let hops = ops.hops.as_ref().ok_or_else(Problem::not_found)?;
    let hop = hops.figures().await.map_err(Problem::internal)?;
    let counted = ops.counted();
    let modules = ops.engines.keys().map(|module| predict(module, &counted, &hop)).collect();
    Ok(HttpResponse::Ok().json(Price { hop, modules }))
}

impl Ops {
    fn counted(&self) -> Counted {
        counted(self.started, &self.ports, &self.traffic)
    }
}
