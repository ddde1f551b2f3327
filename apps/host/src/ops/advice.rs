//! What to do about growth, by what the program measured of itself.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use advisor::Situation;
use serde::Deserialize;
use web::{ApiQuery, Problem};

use super::Ops;
use crate::advice::{Advisor, LONGEST};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Over {
    /// Seconds; an hour where it is left out, which is the longest.
    window: Option<u64>,
}

/// The advice, as JSON, or as text for who asks for `text/plain`.
pub(super) async fn show(
    ops: Data<Ops>,
    request: HttpRequest,
    over: ApiQuery<Over>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let (advisor, situation) = ops.situation(&over).await?;
    let advice = advisor.advice(&situation);
    let accepted = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepted.is_some_and(|accept| accept.starts_with("text/plain")) {
        let text = "text/plain; charset=utf-8";
        return Ok(HttpResponse::Ok().content_type(text).body(advice.to_string()));
    }
    Ok(HttpResponse::Ok().json(advice))
}

/// What it is given on: a snapshot to save, for `cargo xtask advise`.
pub(super) async fn situation(
    ops: Data<Ops>,
    request: HttpRequest,
    over: ApiQuery<Over>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let (_, situation) = ops.situation(&over).await?;
    Ok(HttpResponse::Ok().json(situation))
}

impl Ops {
    async fn situation(&self, over: &Over) -> Result<(&Advisor, Situation), Problem> {
        let advisor = self.advisor.as_ref().ok_or_else(Problem::not_found)?;
        let window = over.window.map_or(LONGEST, Duration::from_secs).min(LONGEST);
        // Without it the price of a module is one of the figures that were not measured.
        let hop = match &self.hops {
            Some(hops) => hops
                .figures()
                .await
                .inspect_err(|error| {
                    let error = error as &dyn std::error::Error;
                    tracing::warn!(error, "it is advised without the price of a hop");
                })
                .ok(),
            None => None,
        };
        let situation = advisor.situation(window, hop.as_ref()).await;
        // Metrics are off.
        Ok((advisor, situation.ok_or_else(Problem::not_found)?))
    }
}
