//! The two listeners' applications.

use std::time::Duration;

use actix_cors::Cors;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{
            ACCEPT_LANGUAGE, ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER,
            WWW_AUTHENTICATE,
        },
    },
    middleware::from_fn,
    web::{self, Data},
};
use admission::operation;
use kernel::RandomIds;
use seam::headers::TRACEPARENT;
use telemetry::errors::HOST;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

use crate::{
    Edge, Problem,
    allow::AllowTable,
    answer::{Listener, REQUEST_ID},
    guard::guard,
    observe::observe,
    openapi::{document, without_unused},
};

/// For `HttpServer::h1_allow_half_closed`: with it, actix drops the handler of a client that has
/// closed its connection, and with the handler every call that it waits for.
pub const HALF_CLOSED: bool = false;

/// How much longer than [`Edge::request_time`] a handler lives: time to answer for itself that a
/// call of its own took too long.
const GRACE: Duration = Duration::from_millis(250);

/// The public listener's application: `routes` behind all that every route has in common.
///
/// From the outside in: trace, span and security headers, errors as problems; CORS; time limit and
/// panics. What no route takes is 404, or 405 with `Allow`.
pub fn public_app<R: FnOnce(&mut ServiceConfig<'_>)>(
    edge: &Edge,
    routes: R,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + 'static + use<R>>,
        Error = Error,
        InitError = (),
    > + use<R>,
> {
    let (app, openapi) =
        App::new().into_utoipa_app().openapi(document()).configure(routes).split_for_parts();
    let allowed = edge.request_time.saturating_add(GRACE);
    let edge = edge.clone();
    app.app_data(Data::new(edge.clone()))
        .app_data(Data::new(AllowTable::new(&openapi.paths)))
        .default_service(web::to(no_route))
        .wrap(from_fn(move |request, next| operation::begin(guard(allowed, request, next))))
        .wrap(cors(&edge))
        .wrap(from_fn(move |request: ServiceRequest, next| {
            let edge = edge.clone();
            async move {
                let visit = edge.traffic.visit(request.request(), edge.body_limit);
                let listener = Listener::of(request.request(), &edge);
                let answer = observe(&*edge.ids, listener, visit.owner(), request, next).await;
                let size = answer.as_ref().map_or(BodySize::None, |it| it.response().body().size());
                visit.ended(size);
                answer
            }
        }))
}

/// The internal listener's application: like the public one, without CORS, and with the caller's
/// time in place of a limit of its own.
pub fn internal_app(
    routes: impl FnOnce(&mut web::ServiceConfig),
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + 'static>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .configure(routes)
        .default_service(web::to(no_route))
        // Its caller is not to lose what it has done so far.
        .wrap(from_fn(move |request, next| operation::resume(guard(INTERNAL_LIMIT, request, next))))
        .wrap(from_fn(move |request, next| {
            observe(&RandomIds, Listener::Internal, HOST, request, next)
        }))
}

/// No call between programs is given more time than this.
const INTERNAL_LIMIT: Duration = Duration::from_secs(300);

/// The OpenAPI document of `routes`, with what all modules share: the schema `Problem` and the
/// security scheme `bearer`. For the program to merge and serve.
pub fn openapi(routes: impl FnOnce(&mut ServiceConfig<'_>)) -> OpenApi {
    let (_, document) =
        App::new().into_utoipa_app().openapi(document()).configure(routes).split_for_parts();
    without_unused(document)
}

async fn no_route(
    request: HttpRequest,
    table: Option<Data<AllowTable>>,
) -> Result<HttpResponse, Problem> {
    Err(match table.and_then(|table| table.methods(request.path())) {
        Some(methods) => {
            Problem::from_status(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, methods)
        }
        None => Problem::not_found(),
    })
}

fn cors(edge: &Edge) -> Cors {
    let header = HeaderName::from_static;
    let cors = Cors::default()
        .allowed_methods(["DELETE", "GET", "PATCH", "POST", "PUT"])
        .allowed_headers([
            ACCEPT_LANGUAGE,
            AUTHORIZATION,
            CONTENT_TYPE,
            header("idempotency-key"),
            header(TRACEPARENT),
        ])
        .expose_headers([
            RETRY_AFTER,
            WWW_AUTHENTICATE,
            header("idempotent-replayed"),
            header("ratelimit"),
            header("ratelimit-policy"),
            header(REQUEST_ID),
        ])
        .max_age(3_600);
    edge.origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin.as_str()))
}
