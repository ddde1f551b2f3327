//! Reads a request's body, once, for all extractors that want it.

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::{
        StatusCode,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH},
    },
    web::Data,
};
use bytes::{Bytes, BytesMut};
use futures_util::{
    FutureExt, StreamExt,
    future::{LocalBoxFuture, Shared},
};

use crate::{Edge, Problem};

/// The longest body that is read where nothing else is set: 1 MiB.
pub const DEFAULT_BODY_LIMIT: usize = 1024 * 1024;

/// The body as it came, byte by byte: what somebody has signed. What is in it is anybody's until the
/// signature is verified.
///
/// As an extractor it answers 413 where the body is longer than [`Edge::body_limit`], and 415 where
/// it is compressed.
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

impl FromRequest for RawBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = read(request, payload);
        Box::pin(async move { reading.await.map(Self) })
    }
}

/// The body, or why there is none. Whoever polls first drives it.
pub(crate) type Reading = Shared<LocalBoxFuture<'static, Result<Bytes, Problem>>>;

/// Starts reading the body, or joins the extractor that has started. At most [`Edge::body_limit`].
pub(crate) fn read(request: &HttpRequest, payload: &mut Payload) -> Reading {
    if let Some(reading) = request.extensions().get::<Reading>() {
        return reading.clone();
    }
    let edge = request.app_data::<Data<Edge>>();
    let limit = edge.map_or(DEFAULT_BODY_LIMIT, |edge| edge.body_limit);
    let (request_in, payload) = (request.clone(), payload.take());
    let reading = async move { collect(&request_in, payload, limit).await };
    let reading = reading.boxed_local().shared();
    request.extensions_mut().insert(reading.clone());
    reading
}

/// Reads all of `payload`, up to `limit` bytes.
pub(crate) async fn collect(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
) -> Result<Bytes, Problem> {
    refuse_encoded(request)?;
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let declared = declared.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if declared > limit {
        return Err(too_large(limit));
    }
    let mut body = BytesMut::with_capacity(declared);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "malformed-body",
                "The body could not be read to its end",
            )
            .caused_by(error)
        })?;
        if body.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A compressed body is not unpacked: its size would no longer be bounded by what was sent.
fn refuse_encoded(request: &HttpRequest) -> Result<(), Problem> {
    let encoded = request
        .headers()
        .get_all(CONTENT_ENCODING)
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if !encoded {
        return Ok(());
    }
    // RFC 9110 §15.5.16: the answer says which encodings are taken.
    Err(unsupported("The body must not be compressed.").header(ACCEPT_ENCODING, "identity"))
}

pub(crate) fn unsupported(detail: &'static str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "The body is not in a format that the resource takes",
    )
    .detail(detail)
}

fn too_large(limit: usize) -> Problem {
    Problem::from_status(StatusCode::PAYLOAD_TOO_LARGE)
        .detail(format!("At most {limit} bytes are taken."))
        .with("limit", limit)
}
