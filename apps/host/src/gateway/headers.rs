//! What of a request's head goes to the owner, and what of an answer's to the client.

use actix_web::HttpRequest;
use kernel::TraceContext;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, VIA};
use web::{limits::TrustedProxies, via};

/// Headers that belong to one connection (RFC 9110 §7.6.1) and are never passed on.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers of a request that only we may set, or that the owner must not see.
const NOT_FROM_CLIENTS: &[&str] = &[
    "content-length",
    "expect",
    "forwarded",
    "host",
    "origin",
    "x-call-id",
    "x-call-key",
    "x-call-outcome",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-remaining-ms",
];

/// Headers of an answer that this program writes itself.
const OURS_ON_ANSWERS: &[&str] = &[
    "content-length",
    "date",
    "server",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "vary",
];

/// The head of a client's `request`, as the owner is to have it.
pub(super) fn outgoing(
    request: &HttpRequest,
    trace: TraceContext,
    scheme: &str,
    proxies: &TrustedProxies,
) -> HeaderMap {
    let mut incoming = HeaderMap::new();
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            incoming.append(name, value);
        }
    }
    let mut headers = HeaderMap::new();
    for (name, value) in passed_on(&incoming, NOT_FROM_CLIENTS) {
        headers.append(name.clone(), value.clone());
    }
    headers.append(VIA, HeaderValue::from_static(via::OURS));
    // Not what the client says in headers of that kind, which anybody can write: of its address,
    // what was seen here or by a proxy of ours.
    let host = incoming.get("host").and_then(|host| host.to_str().ok()).map(str::to_owned);
    let ours = [
        ("x-forwarded-for", proxies.address_of(request).map(|address| address.to_string())),
        ("x-forwarded-host", host),
        ("x-forwarded-proto", Some(scheme.to_owned())),
        ("traceparent", Some(trace.to_traceparent())),
    ];
    for (name, value) in ours {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// The headers of an owner's answer that go to the client.
pub(super) fn of_answer(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    passed_on(headers, OURS_ON_ANSWERS)
}

/// The headers that are passed on: all but those of the connection, those that `Connection` names,
/// and `withheld`.
fn passed_on<'h>(
    headers: &'h HeaderMap,
    withheld: &'h [&str],
) -> impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)> {
    let named: Vec<String> = headers
        .get_all("connection")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    headers.iter().filter(move |(name, _)| {
        let name = name.as_str();
        !HOP_BY_HOP.contains(&name)
            && !withheld.contains(&name)
            && !named.iter().any(|named| named == name)
    })
}

#[cfg(test)]
mod tests {
    use kernel::CallId;

    use super::*;

    #[test]
    fn what_belongs_to_one_connection_or_to_us_is_not_passed_on() {
        let request = actix_web::test::TestRequest::default()
            .insert_header(("connection", "close, x-private"))
            .insert_header(("x-private", "1"))
            .insert_header(("x-call-key", "forged"))
            .insert_header(("x-forwarded-for", "203.0.113.9"))
            .insert_header(("x-forwarded-host", "evil.example"))
            .insert_header(("forwarded", "host=evil.example;proto=https"))
            .insert_header(("host", "app.example"))
            .insert_header(("authorization", "Bearer t"))
            .insert_header(("via", "1.0 fred"))
            .peer_addr(([127, 0, 0, 1], 5).into())
            .to_http_request();
        let trace = TraceContext::derived_from(CallId::random());
        let headers = outgoing(&request, trace, "http", &TrustedProxies::default());
        let names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert!(!names.contains(&"x-private") && !names.contains(&"x-call-key"), "{names:?}");
        assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
        assert_eq!(headers["x-forwarded-host"], "app.example");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["authorization"], "Bearer t");
        let via: Vec<_> = headers.get_all("via").iter().collect();
        assert_eq!(via, ["1.0 fred", "1.1 ashlar"]);
    }
}
