//! Which requests a program of ours passes on: `Via` (RFC 9110 §7.6.3).

use actix_web::{HttpRequest, http::header::VIA};

use crate::limits::TrustedProxies;

/// What our programs add to it when they pass a request on: all of them the same, as nobody needs to know which they are.
pub const OURS: &str = "1.1 ashlar";

/// Whether `request` came in at a program of ours before, which passed it on. A proxy in front is
/// believed what it says, and what a client says is not.
pub(crate) fn is_passed_on(request: &HttpRequest, proxies: &TrustedProxies) -> bool {
    if !proxies.is_proxy_s(request) {
        return false;
    }
    let said = request.headers().get_all(VIA).last().and_then(|said| said.to_str().ok());
    let last = said.and_then(|said| said.rsplit(',').next()).map(str::trim);
    last == Some(OURS)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn is_ours(peer: [u8; 4], said: &[&str]) -> bool {
        let proxies = TrustedProxies::new(1, vec!["10.0.0.0/8".parse().expect("a network")]);
        let request = TestRequest::default().peer_addr((peer, 4_711).into());
        let request =
            said.iter().fold(request, |request, said| request.append_header((VIA, *said)));
        is_passed_on(&request.to_http_request(), &proxies)
    }

    #[test]
    fn only_whom_we_trust_says_that_it_passed_a_request_on() {
        let (proxy, client) = ([10, 0, 0, 5], [203, 0, 113, 9]);
        assert!(is_ours(proxy, &[OURS]));
        assert!(is_ours(proxy, &["1.1 fred, 1.1 ashlar"]));
        assert!(is_ours(proxy, &["1.1 fred", OURS]));
        assert!(!is_ours(proxy, &[]));
        assert!(!is_ours(proxy, &[OURS, "1.1 a balancer in between"]));
        assert!(!is_ours(client, &[OURS]));
    }
}
