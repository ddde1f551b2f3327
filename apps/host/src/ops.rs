//! What operators ask of a running program, on the internal listener, with their own credential.

use std::collections::BTreeMap;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self as actix, Data, ServiceConfig},
};
use events::{DeadLetterId, DeadLetterQuery, DeadLetters, ReplayError};
use kernel::{EventId, Secret};
use seam::CallFailure;
use serde::Deserialize;
use tokens::hash_token;
use web::{ApiPath, ApiQuery, Problem};

/// The dead letters of every local module, and who may see them.
#[derive(Clone)]
pub(crate) struct Ops {
    pub(crate) dead_letters: BTreeMap<&'static str, DeadLetters>,
    pub(crate) operator_token: Option<Secret>,
}

impl Ops {
    pub(crate) fn routes(self, config: &mut ServiceConfig) {
        config.app_data(Data::new(self)).service(
            actix::scope("/ops")
                .route("/dead-letters/{module}", actix::get().to(list))
                .route("/dead-letters/{module}/{consumer}/replay", actix::post().to(replay_all))
                .route("/dead-letters/{module}/{event}/{consumer}", actix::get().to(show))
                .route(
                    "/dead-letters/{module}/{event}/{consumer}/replay",
                    actix::post().to(replay),
                ),
        );
    }

    fn authorise(&self, request: &HttpRequest) -> Result<(), Problem> {
        let given = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        match (&self.operator_token, given) {
            // Digests are compared, so that the time it takes says nothing about the token.
            (Some(token), Some(given)) if hash_token(token.expose()) == hash_token(given) => Ok(()),
            (None, _) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "operators-closed",
                "Operators' routes are closed: `internal.operator_token` is not set",
            )),
            _ => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "The operator's credential is missing or wrong",
            )),
        }
    }

    fn of(&self, module: &str) -> Result<&DeadLetters, Problem> {
        self.dead_letters.get(module).ok_or_else(Problem::not_found)
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

async fn list(
    ops: Data<Ops>,
    request: HttpRequest,
    place: ApiPath<Place>,
    query: ApiQuery<DeadLetterQuery>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let page = ops.of(&place.module)?.list(&query).await.map_err(CallFailure::from)?;
    Ok(HttpResponse::Ok().json(page))
}

async fn show(
    ops: Data<Ops>,
    request: HttpRequest,
    letter: ApiPath<Letter>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let found = ops.of(&letter.module)?.show(&letter.id()).await.map_err(CallFailure::from)?;
    Ok(HttpResponse::Ok().json(found.ok_or_else(Problem::not_found)?))
}

async fn replay(
    ops: Data<Ops>,
    request: HttpRequest,
    letter: ApiPath<Letter>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    match ops.of(&letter.module)?.replay(&letter.id()).await {
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
    match ops.of(&consumer.module)?.replay_all(&consumer.consumer).await {
        Ok(replayed) => {
            Ok(HttpResponse::Accepted().json(serde_json::json!({ "replayed": replayed })))
        }
        Err(ReplayError::Store(error)) => Err(CallFailure::from(error).into()),
        Err(ReplayError::NotFound(_) | ReplayError::NoSuchConsumer(_)) => Err(Problem::not_found()),
    }
}
