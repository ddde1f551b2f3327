//! `GET /.well-known/jwks.json`: the public keys that verify access tokens.

use actix_web::{HttpResponse, get, http::header::CACHE_CONTROL, web::Data};
use auth_api::KeySet;

use crate::service::AuthService;

/// The public keys that verify access tokens, as a JSON Web Key Set (RFC 7517).
#[utoipa::path(tag = "auth", responses((status = OK, body = KeySet)))]
#[get("/.well-known/jwks.json")]
pub(crate) async fn jwks(auth: Data<AuthService>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(&auth.key_set)
}
