//! What operators ask of a running program, on the internal listener, with their own credential.

mod advice;
mod broker;
mod calls;
mod log;
mod metrics;
mod traces;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self as actix, Data, ServiceConfig},
};
use events::{DeadLetterId, DeadLetterQuery, DeadLetters, EventEngine, ReplayError};
use kernel::{EventId, Secret};
use module::Ports;
use rabbitmq::RabbitBroker;
use seam::CallFailure;
use serde::Deserialize;
use tokens::hash_token;
use web::{AccessRefusal, ApiPath, ApiQuery, Problem, Traffic, bearer, limits::Limits};

use crate::{advice::Advisor, config::MetricsAccess, limits, price::Hops, telemetry::Telemetry};

/// What operators may look into, and who they are.
#[derive(Clone)]
pub(crate) struct Ops {
    /// Of every local module.
    pub(crate) engines: BTreeMap<&'static str, Arc<EventEngine>>,
    /// Where events go by way of one.
    pub(crate) broker: Option<Arc<RabbitBroker>>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) ports: Ports,
    /// What clients ask for.
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) started: Instant,
    /// What a hop costs. A program that is a part of another, as in tests, cannot have itself
    /// measure it.
    pub(crate) hops: Option<Arc<Hops>>,
    pub(crate) advisor: Option<Advisor>,
    /// A program that is a part of another, as in tests, has none of its own.
    pub(crate) telemetry: Option<Telemetry>,
    pub(crate) operator_token: Option<Secret>,
    /// Who may read the metrics.
    pub(crate) metrics: MetricsAccess,
}

impl Ops {
    pub(crate) fn routes(self, config: &mut ServiceConfig) {
        let ops = actix::scope("/ops");
        #[cfg(feature = "failpoints")]
        let ops = ops.configure(crate::failpoints::routes);
        config.app_data(Data::new(self)).route("/metrics", actix::get().to(metrics::show)).service(
            ops.route("/backlog/{module}", actix::get().to(backlog))
                .route("/limits", actix::get().to(limits::show))
                .route("/seam", actix::get().to(calls::show))
                .route("/price", actix::get().to(calls::price))
                .route("/advice", actix::get().to(advice::show))
                .route("/advice/situation", actix::get().to(advice::situation))
                .route("/traces", actix::get().to(traces::show))
                .service(
                    actix::resource("/log-level")
                        .get(log::show)
                        .put(log::change)
                        .delete(log::reset),
                )
                .route("/broker", actix::get().to(broker::show))
                .route("/broker/{module}/replay", actix::post().to(broker::replay))
                .route("/dead-letters/{module}", actix::get().to(list))
                .route("/dead-letters/{module}/{consumer}/replay", actix::post().to(replay_all))
                .route("/dead-letters/{module}/{event}/{consumer}", actix::get().to(show))
                .route(
                    "/dead-letters/{module}/{event}/{consumer}/replay",
                    actix::post().to(replay),
                ),
        );
    }

    pub(crate) fn authorise(&self, request: &HttpRequest) -> Result<(), Problem> {
        let Some(token) = &self.operator_token else {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "operators-closed",
                "Operators' routes are closed: `internal.operator_token` is not set",
            ));
        };
        // Digests are compared, so that the time it takes says nothing about the token.
        if hash_token(token.expose()) == hash_token(bearer(request)?) {
            Ok(())
        } else {
            Err(AccessRefusal::Invalid.into())
        }
    }

    fn telemetry(&self) -> Result<&Telemetry, Problem> {
        self.telemetry.as_ref().ok_or_else(Problem::not_found)
    }

    fn engine(&self, module: &str) -> Result<&EventEngine, Problem> {
        self.engines.get(module).map(|engine| &**engine).ok_or_else(Problem::not_found)
    }

    fn dead_letters(&self, module: &str) -> Result<DeadLetters, Problem> {
        self.engine(module).map(EventEngine::dead_letters)
    }
}

#[derive(Deserialize)]
struct Place {
    module: String,
}

#[derive(Deserialize)]
struct AllOfConsumer {
    module: String,
    consumer: String,
}

#[derive(Deserialize)]
struct Letter {
    module: String,
    event: EventId,
    consumer: String,
}

impl Letter {
    fn id(&self) -> DeadLetterId {
        DeadLetterId { event: self.event, consumer: self.consumer.clone() }
    }
}

/// What a module's engine has yet to do, and for whom.
async fn backlog(
    ops: Data<Ops>,
    request: HttpRequest,
    place: ApiPath<Place>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let backlog = ops.engine(&place.module)?.backlog().await.map_err(CallFailure::from)?;
    Ok(HttpResponse::Ok().json(backlog))
}

async fn list(
    ops: Data<Ops>,
    request: HttpRequest,
    place: ApiPath<Place>,
    query: ApiQuery<DeadLetterQuery>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let page = ops.dead_letters(&place.module)?.list(&query).await.map_err(CallFailure::from)?;
    Ok(HttpResponse::Ok().json(page))
}

async fn show(
    ops: Data<Ops>,
    request: HttpRequest,
    letter: ApiPath<Letter>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let found =
        ops.dead_letters(&letter.module)?.show(&letter.id()).await.map_err(CallFailure::from)?;
    Ok(HttpResponse::Ok().json(found.ok_or_else(Problem::not_found)?))
}

async fn replay(
    ops: Data<Ops>,
    request: HttpRequest,
    letter: ApiPath<Letter>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    match ops.dead_letters(&letter.module)?.replay(&letter.id()).await {
        Ok(()) => Ok(HttpResponse::Accepted().finish()),
        Err(ReplayError::NotFound(_)) => Err(Problem::not_found()),
        Err(ReplayError::NoSuchConsumer(consumer)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "no-such-consumer",
            "This build has no such consumer; the letter would wait for ever",
        )
        .with("consumer", consumer)),
        Err(ReplayError::Store(error)) => Err(CallFailure::from(error).into()),
    }
}

async fn replay_all(
    ops: Data<Ops>,
    request: HttpRequest,
    consumer: ApiPath<AllOfConsumer>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    match ops.dead_letters(&consumer.module)?.replay_all(&consumer.consumer).await {
        Ok(replayed) => {
            Ok(HttpResponse::Accepted().json(serde_json::json!({ "replayed": replayed })))
        }
        Err(ReplayError::Store(error)) => Err(CallFailure::from(error).into()),
        Err(ReplayError::NotFound(_) | ReplayError::NoSuchConsumer(_)) => Err(Problem::not_found()),
    }
}
