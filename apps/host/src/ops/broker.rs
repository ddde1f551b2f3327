//! The broker as this program sees it, and what its queues have set aside.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use rabbitmq::{BrokerState, RabbitBroker};
use serde::Serialize;
use web::{ApiPath, Problem};

use super::{Ops, Place};

/// The most letters that one request moves: those that are left are counted in its answer.
const MOST: u32 = 1_000;

#[derive(Serialize)]
struct Broker {
    #[serde(flatten)]
    state: BrokerState,
    /// For each local module, how many messages its queue has set aside; null where the broker
    /// does not say.
    dead_letters: BTreeMap<&'static str, Option<u32>>,
}

/// Connections, what could not be routed, what was set aside.
pub(super) async fn show(ops: Data<Ops>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let broker = of(&ops)?;
    let mut dead_letters = BTreeMap::new();
    for module in ops.engines.keys() {
        let counted = broker.dead_letters(module).await;
        if let Err(error) = &counted {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                service.name = module,
                "the broker's dead letters cannot be counted"
            );
        }
        dead_letters.insert(*module, counted.ok());
    }
    Ok(HttpResponse::Ok().json(Broker { state: broker.state(), dead_letters }))
}

/// Moves what was set aside back into the module's queue.
pub(super) async fn replay(
    ops: Data<Ops>,
    request: HttpRequest,
    place: ApiPath<Place>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    ops.engine(&place.module)?;
    let moved = of(&ops)?.redrive(&place.module, MOST).await;
    let moved = moved
        .map_err(|error| Problem::from_status(StatusCode::SERVICE_UNAVAILABLE).caused_by(error))?;
    Ok(HttpResponse::Accepted().json(moved))
}

fn of(ops: &Ops) -> Result<&RabbitBroker, Problem> {
    ops.broker.as_deref().ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "no-broker",
            "Events go straight from program to program: `events.bus` is `ports`",
        )
    })
}
