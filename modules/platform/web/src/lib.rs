//! The public and the internal HTTP edge.
//!
//! Everything that HTTP asks of every route is here, once: who calls ([`Caller`], [`Visitor`]),
//! bodies and parameters ([`ApiJson`], [`ApiPath`], [`ApiQuery`]), idempotency keys
//! ([`RequestKey`], [`Replayed`]), limits ([`limits`]), errors ([`Problem`]), and the listeners themselves
//! ([`public_app`], [`internal_app`], [`internal::ports`]).
//!
//! *Invariants*: every answer of 400 or more is `application/problem+json` (RFC 9457) with a stable
//! `type` and the trace id; what went wrong inside goes to the log, never to the client; nothing
//! here knows a module.
//!
//! # How a module declares its routes
//!
//! A handler is an actix handler with utoipa's macro above actix's, so that its path is written
//! once. It takes what it needs as extractors and returns `Result<impl Responder, Problem>`. The
//! first extractor that refuses answers, so [`Caller`] stands first: a stranger learns nothing of
//! what else is wrong. A body is named in `request_body`, since utoipa does not know [`ApiJson`].
//! All of a module's handlers hang in one scope, which is registered once: actix hands a request to the
//! first scope whose prefix fits, and a second scope of that prefix is never asked.
//!
//! ```
//! use std::sync::Arc;
//!
//! use actix_web::{get, web::{Data, Json}};
//! use utoipa_actix_web::{scope, service_config::ServiceConfig};
//! use web::{ApiPath, Caller, Problem, StandardErrors};
//!
//! # #[derive(serde::Serialize, utoipa::ToSchema)]
//! # struct Project { name: String }
//! # struct Projects;
//! # impl Projects {
//! #     async fn find(&self, _: &kernel::CallContext, _: uuid::Uuid) -> Option<Project> { None }
//! # }
//! /// A project.
//! #[utoipa::path(
//!     tag = "projects",
//!     params(("id" = uuid::Uuid, Path)),
//!     responses((status = OK, body = Project), StandardErrors),
//!     security(("bearer" = []))
//! )]
//! #[get("/projects/{id}")]
//! async fn project(
//!     caller: Caller,
//!     id: ApiPath<uuid::Uuid>,
//!     projects: Data<Projects>,
//! ) -> Result<Json<Project>, Problem> {
//!     projects.find(&caller, *id).await.map(Json).ok_or_else(Problem::not_found)
//! }
//!
//! pub fn routes(projects: Arc<Projects>) -> impl Fn(&mut ServiceConfig<'_>) + Clone {
//!     move |config| {
//!         let projects = Data::from(Arc::clone(&projects));
//!         config.service(scope("/v1/projects").app_data(projects).service(project));
//!     }
//! }
//! ```
//!
//! The routes of `config.route(…)` and of plain actix services (`config.map(…)`) work but are not
//! in the OpenAPI document, and a wrong method on them is a 404 instead of a 405.
//!
//! A listener that is to cancel a handler whose client has gone must be told so:
//! `HttpServer::new(…).h1_allow_half_closed(HALF_CLOSED)` with [`HALF_CLOSED`].

mod allow;
mod answer;
mod body;
mod caller;
mod edge;
mod explain;
mod faults;
mod guard;
mod idempotency;
pub mod internal;
mod json;
pub mod limits;
mod listener;
mod metrics;
mod observe;
mod openapi;
mod params;
mod problem;
mod problems;
mod traffic;
pub mod via;

pub use actix_web::http::StatusCode;
pub use body::{DEFAULT_BODY_LIMIT, RawBody};
pub use caller::{AccessRefusal, AccessVerifier, Caller, Visitor, bearer};
pub use edge::{Edge, Encryption, Origin, OriginError};
pub use idempotency::{BodyHash, IdempotencyKey, OptionalRequestKey, Replayed, RequestKey};
pub use json::ApiJson;
pub use listener::{HALF_CLOSED, internal_app, openapi, public_app};
pub use observe::{note_below, trace_of};
pub use openapi::StandardErrors;
pub use params::{ApiPath, ApiQuery};
pub use problem::{PROBLEM_JSON, Problem};
pub use traffic::{Territory, Traffic};
