//! `/v1/{{crate}}`.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, Responder, get, post,
    web::{Data, Json},
};
use kernel::{Page, PageRequest};
use {{name}}_api::{ {{Item}}, {{Item}}Id };
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::{scope, service_config::ServiceConfig};
use web::{
    ApiJson, ApiPath, ApiQuery, BodyHash, Caller, IdempotencyKey, Problem, Replayed, StandardErrors,
};

use crate::{{name}}::{Answer, CreateError, {{Item}}Name, {{Module}}, RequestKey};

pub(crate) fn routes(
    {{name}}: Arc<{{Module}}>,
) -> impl Fn(&mut ServiceConfig<'_>) + Send + Sync + Clone + 'static {
    move |config| {
        let {{name}} = Data::from(Arc::clone(&{{name}}));
        config.service(
            scope("/v1/{{crate}}").app_data({{name}}).service(create).service(list).service(show),
        );
    }
}

/// A {{item words}} that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Create{{Item}} {
    /// One line of 1 to 100 characters; spaces around it do not count.
    name: String,
}

/// Creates a {{item words}}.
///
/// Sent again under its `Idempotency-Key`, the request is answered as it was before, and nothing
/// is created twice.
#[utoipa::path(
    tag = "{{crate}}",
    params(IdempotencyKey),
    request_body = Create{{Item}},
    responses((status = CREATED, body = {{Item}}), StandardErrors),
    security(("bearer" = []))
)]
#[post("")]
async fn create(
    request: HttpRequest,
    caller: Caller,
    key: IdempotencyKey,
    body_hash: BodyHash,
    command: ApiJson<Create{{Item}}>,
    {{name}}: Data<{{Module}}>,
) -> Result<HttpResponse, Problem> {
    let name = {{Item}}Name::parse(&command.name)
        .map_err(|rule| Problem::invalid_body("#/name", rule.to_string()))?;
    let key = RequestKey { key: key.to_string(), body_hash: body_hash.to_string() };
    match {{name}}.create(&caller, &name, &key).await? {
        Answer::Created({{item}}) => Ok(HttpResponse::Created().json({{item}})),
        Answer::Replayed { status, body } => Ok(Replayed { status, body }.respond_to(&request)),
    }
}

/// The tenant's {{words}}, newest first.
#[utoipa::path(
    tag = "{{crate}}",
    params(PageRequest),
    responses((status = OK, body = Page<{{Item}}>), StandardErrors),
    security(("bearer" = []))
)]
#[get("")]
async fn list(
    caller: Caller,
    page: ApiQuery<PageRequest>,
    {{name}}: Data<{{Module}}>,
) -> Result<Json<Page<{{Item}}>>, Problem> {
    Ok(Json({{name}}.list(&caller, &page).await?))
}

/// A {{item words}}.
#[utoipa::path(
    tag = "{{crate}}",
    params(("id" = {{Item}}Id, Path)),
    responses((status = OK, body = {{Item}}), StandardErrors),
    security(("bearer" = []))
)]
#[get("/{id}")]
async fn show(
    caller: Caller,
    id: ApiPath<{{Item}}Id>,
    {{name}}: Data<{{Module}}>,
) -> Result<Json<{{Item}}>, Problem> {
    {{name}}.find(&caller, *id).await?.map(Json).ok_or_else(Problem::not_found)
}

impl From<CreateError> for Problem {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::KeyReused => Self::idempotency_key_reused(),
            CreateError::InFlight { retry_after } => Self::idempotency_key_in_use(retry_after),
            CreateError::Store(error) => error.into(),
        }
    }
}
