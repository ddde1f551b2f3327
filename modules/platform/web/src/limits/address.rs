//! Who is at the other end of a connection, and of the proxies before it.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use actix_web::{HttpRequest, http::header::HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies in front of a listener, whose word for a client's address is taken. By default there
/// are none, and a client is whoever opened the connection.
///
/// Each proxy appends to `X-Forwarded-For` the address that *it* was reached from, so the last
/// entry is written by the proxy at the other end of our connection, the one before it by the proxy
/// before, and all that stand further left by the client itself, who may write what it likes. With
/// `hops` proxies the client is therefore the `hops`th entry from the right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    hops: usize,
    networks: Vec<Network>,
}

impl TrustedProxies {
    /// `hops` proxies one behind the other, of which the nearest connects from one of `networks`.
    #[must_use]
    pub const fn new(hops: usize, networks: Vec<Network>) -> Self {
        Self { hops, networks }
    }

    /// The address that `request` came from.
    #[must_use]
    pub fn address_of(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        if !self.is_proxy_s(request) {
            return Some(peer);
        }
        let headers = request.headers().get_all(X_FORWARDED_FOR);
        let entries =
            headers.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let entries: Vec<&str> = entries.map(str::trim).collect();
        // Fewer entries than proxies: the request came in at a later one.
        let position = entries.len().saturating_sub(self.hops);
        Some(entries.get(position).and_then(|entry| parse(entry)).unwrap_or(peer))
    }

    /// Whether one of them opened the connection of `request`.
    pub(crate) fn is_proxy_s(&self, request: &HttpRequest) -> bool {
        let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
        let is_one = |peer| self.networks.iter().any(|network| network.contains(peer));
        self.hops > 0 && peer.is_some_and(is_one)
    }

    pub(crate) fn client_of(&self, request: &HttpRequest) -> Client {
        Client(self.address_of(request))
    }
}

/// Some proxies write the port along.
fn parse(entry: &str) -> Option<IpAddr> {
    let address = entry.parse::<IpAddr>().ok();
    let address = address.or_else(|| Some(entry.parse::<std::net::SocketAddr>().ok()?.ip()));
    let bare = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(bare).map(|address| address.to_canonical())
}

/// Whom a request is counted for: an IPv4 address, or an IPv6 network of 64 bits, which is what one
/// household or server is given. The address is personal data: it is a key, and is never logged.
pub(crate) struct Client(Option<IpAddr>);

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(IpAddr::V4(address)) => write!(f, "{address}"),
            Some(IpAddr::V6(address)) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX));
                write!(f, "{network}/64")
            }
            None => f.write_str("unknown"),
        }
    }
}

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether `address` is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differs = own.to_bits() ^ other.to_bits();
                differs.checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differs = own.to_bits() ^ other.to_bits();
                differs.checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NetworkError(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| refused())?)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| refused())?.to_canonical();
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most { Err(refused()) } else { Ok(Self { address, bits }) }
    }
}

/// The text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an address such as 10.0.0.7 nor a network such as 10.0.0.0/8")]
pub struct NetworkError(String);

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn proxies(hops: usize, networks: &[&str]) -> TrustedProxies {
        let networks = networks.iter().map(|text| text.parse().expect("a network"));
        TrustedProxies::new(hops, networks.collect())
    }

    /// Who is seen behind `proxies` where `peer` connects and says `forwarded`.
    fn seen(proxies: &TrustedProxies, peer: &str, forwarded: &[&str]) -> String {
        let peer: IpAddr = peer.parse().expect("an address");
        let mut request = TestRequest::default().peer_addr((peer, 4_711).into());
        for value in forwarded {
            request = request.append_header((X_FORWARDED_FOR, *value));
        }
        proxies.client_of(&request.to_http_request()).to_string()
    }

    #[test]
    fn without_proxies_a_client_is_who_connects() {
        let none = TrustedProxies::default();
        assert_eq!(seen(&none, "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen(&none, "::ffff:203.0.113.9", &[]), "203.0.113.9");
        assert_eq!(seen(&none, "2001:db8:1:2:3:4:5:6", &[]), "2001:db8:1:2::/64");
        let nobody = none.client_of(&TestRequest::default().to_http_request());
        assert_eq!(nobody.to_string(), "unknown");
    }

    #[test]
    fn what_a_client_wrote_itself_is_not_believed() {
        let one = proxies(1, &["10.0.0.0/8"]);
        assert_eq!(seen(&one, "10.1.2.3", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen(&one, "10.1.2.3", &["192.0.2.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen(&one, "10.1.2.3", &["192.0.2.1", "203.0.113.9"]), "203.0.113.9");
        // Who is no proxy of ours cannot speak for others.
        assert_eq!(seen(&one, "198.51.100.7", &["203.0.113.9"]), "198.51.100.7");
    }

    #[test]
    fn behind_several_proxies_each_wrote_one_entry() {
        let two = proxies(2, &["10.0.0.7", "fd00::/8"]);
        let chain = ["192.0.2.1, 203.0.113.9, 172.16.0.1"];
        assert_eq!(seen(&two, "10.0.0.7", &chain), "203.0.113.9");
        assert_eq!(seen(&two, "fd00::1", &chain), "203.0.113.9");
        assert_eq!(seen(&two, "10.0.0.8", &chain), "10.0.0.8");
        // It came in at the second proxy.
        assert_eq!(seen(&two, "10.0.0.7", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen(&two, "10.0.0.7", &[]), "10.0.0.7");
    }

    #[test]
    fn ports_and_brackets_are_read_and_nonsense_is_not() {
        let one = proxies(1, &["127.0.0.1"]);
        for (entry, client) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::1]:4711", "2001:db8::/64"),
            ("[2001:db8::1]", "2001:db8::/64"),
            ("2001:db8::1", "2001:db8::/64"),
            ("unknown", "127.0.0.1"),
            ("", "127.0.0.1"),
        ] {
            assert_eq!(seen(&one, "127.0.0.1", &[entry]), client, "{entry}");
        }
    }

    #[test]
    fn networks_hold_what_they_say() {
        let holds = |network: &str, address: &str| {
            let network: Network = network.parse().expect("a network");
            network.contains(address.parse().expect("an address"))
        };
        assert!(holds("10.0.0.0/8", "10.255.255.255") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("10.0.0.7", "::ffff:10.0.0.7") && !holds("10.0.0.7", "10.0.0.8"));
        assert!(holds("fd00::/8", "fdff::1") && !holds("fd00::/8", "fe00::1"));
        assert!(holds("::/0", "fe00::1"));
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "proxy"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
