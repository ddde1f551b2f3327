//! What operators see of the way to other programs.

use std::sync::Arc;

use reqwest::Url;
use seam::resilience::Breaker;
use telemetry::metrics::{Asked, KeyValue};

const OPEN: Asked = Asked {
    name: "ashlar.breaker.open",
    // Not a plain 1: Prometheus' name of it would end in `_ratio`.
    unit: "{replica}",
    description: "Whether a replica is passed over since it failed: 1 while it is, probes included",
};

/// Has the program's metrics tell whether the breaker before `replica` is open.
pub(crate) fn tell(service: &str, replica: &Url, breaker: &Arc<Breaker>) {
    let breaker = Arc::downgrade(breaker);
    let attributes =
        [KeyValue::new("callee", service.to_owned()), KeyValue::new("replica", place(replica))];
    OPEN.gauge(move |observer| {
        if let Some(breaker) = breaker.upgrade() {
            observer.observe(if breaker.is_closed() { 0.0 } else { 1.0 }, &attributes);
        }
    });
}

/// Its host and port, and nothing else of a URL, which may carry a credential.
fn place(replica: &Url) -> String {
    let port = replica.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", replica.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_no_credential() {
        let url =
            Url::parse("https://user:secret@billing.internal/below?key=secret").expect("a URL");
        assert_eq!(place(&url), "billing.internal:443");
    }
}
