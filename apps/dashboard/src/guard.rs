//! Whom the dashboard answers, and from whom it takes orders.
//!
//! It asks nobody for a password, and whoever runs a browser on this machine also visits other sites
//! with it. A page of another site must neither read what is here, by having its own name lead to this
//! machine (DNS rebinding), nor post a form (CSRF).

use std::{
    future::{Ready, ready},
    net::IpAddr,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{
        StatusCode,
        header::{HOST, HeaderMap, ORIGIN},
        uri::Authority,
    },
};
use web::Problem;

/// A request that was made to a name of this machine. As an argument of a handler that asks for no
/// password, it has every other request refused with 421 `not-local`.
#[derive(Debug)]
pub struct Local;

/// A [`Local`] request that one of the dashboard's own pages made.
pub(crate) struct FromOurPage;

impl FromRequest for Local {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(local_name(request.headers()).map(|_| Self).ok_or_else(not_local))
    }
}

impl FromRequest for FromOurPage {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let headers = request.headers();
        ready(match local_name(headers) {
            None => Err(not_local()),
            Some(own) if is_same_origin(headers, &own) => Ok(Self),
            Some(_) => Err(another_sites()),
        })
    }
}

/// The `Host`, where it is `localhost` or an address that leads nowhere else.
fn local_name(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST);
    let host: Authority = hosts.next()?.to_str().ok()?.parse().ok()?;
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    let is_local = name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    // What names a user is no host of a request, whatever it leads to.
    let names_user = host.as_str().contains('@');
    (is_local && !names_user && hosts.next().is_none()).then_some(host)
}

/// Every browser of today says both with a form that is posted. Who says neither is none of our
/// pages: operators' routes are there for it.
fn is_same_origin(headers: &HeaderMap, own: &Authority) -> bool {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let by_site = said("sec-fetch-site").map(|site| site == "same-origin");
    let by_origin = said(ORIGIN.as_str()).map(|origin| {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(own.as_str()))
    });
    match (by_site, by_origin) {
        (None, None) => false,
        (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
    }
}

fn not_local() -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "not-local",
        "Only what is asked of localhost, 127.0.0.1 or [::1] is answered here",
    )
}

fn another_sites() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross-site",
        "The dashboard takes orders from its own pages alone",
    )
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn headers(said: &[(&str, &str)]) -> HeaderMap {
        let request = said
            .iter()
            .fold(TestRequest::default(), |request, header| request.append_header(*header));
        request.to_http_request().headers().clone()
    }

    fn takes(said: &[(&str, &str)]) -> bool {
        let headers = headers(said);
        local_name(&headers).is_some_and(|own| is_same_origin(&headers, &own))
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080"] {
            assert!(local_name(&headers(&[("host", host)])).is_some(), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.168.0.7:8080",
            "0.0.0.0",
            "user@127.0.0.1",
            "",
        ] {
            assert!(local_name(&headers(&[("host", host)])).is_none(), "{host}");
        }
        assert!(local_name(&headers(&[])).is_none());
        assert!(local_name(&headers(&[("host", "localhost"), ("host", "a.example")])).is_none());
    }

    #[test]
    fn only_our_own_pages_give_orders() {
        let host = ("host", "127.0.0.1:8080");
        let origin = |origin| ("origin", origin);
        let site = |site| ("sec-fetch-site", site);
        assert!(takes(&[host, origin("http://127.0.0.1:8080")]));
        assert!(takes(&[host, site("same-origin")]));
        assert!(takes(&[host, origin("http://127.0.0.1:8080"), site("same-origin")]));
        for foreign in [
            "null",
            "https://evil.example",
            "http://127.0.0.1",
            "http://127.0.0.1:9999",
            "http://localhost:8080",
        ] {
            assert!(!takes(&[host, origin(foreign)]), "{foreign}");
            assert!(!takes(&[host, origin(foreign), site("same-origin")]), "{foreign}");
        }
        for foreign in ["cross-site", "same-site", "none"] {
            assert!(!takes(&[host, site(foreign)]), "{foreign}");
            assert!(!takes(&[host, site(foreign), origin("http://127.0.0.1:8080")]), "{foreign}");
        }
        assert!(!takes(&[host]), "who says nothing is none of our pages");
        let rebound = ("host", "evil.example:8080");
        assert!(!takes(&[rebound, origin("http://evil.example:8080"), site("same-origin")]));
    }
}
