//! Reckoned from what was counted and what a hop costs.

use super::{CallPrice, Cost, Counted, ExtractionPrice, HopFigures, RequestPrice};
use crate::{CallFigures, RequestFigures};

/// What `module` would cost, by what was counted while it was in this process.
///
/// Events that go from module to module without a broker are in it where `module` is their
/// destination. Whose they are is not known where they arrive, so those that it sends are not.
#[must_use]
pub fn predict(module: &str, counted: &Counted, hop: &HopFigures) -> ExtractionPrice {
    let seconds = counted.over.as_secs_f64();
    let leaves = |call: &&CallFigures| {
        call.as_wire.is_some()
            && call.caller != call.service
            && (call.service == module || call.caller == module)
    };
    let calls: Vec<CallPrice> = counted
        .calls
        .iter()
        .filter(leaves)
        .map(|call| CallPrice::of(call, seconds, hop.call))
        .collect();
    let asked = |it: &&RequestFigures| it.module == module && it.requests > 0;
    let requests = counted.requests.iter().find(asked);
    let requests = requests.map(|requests| RequestPrice::of(requests, seconds, hop.request));
    let of_calls: f64 = calls.iter().map(|call| call.per_second * call.added.cpu_us).sum();
    let of_requests =
        requests.as_ref().map_or(0.0, |requests| requests.per_second * requests.added.cpu_us);
    ExtractionPrice {
        module: module.to_owned(),
        window_seconds: seconds,
        calls,
        requests,
        added_cpu: (of_calls + of_requests) / 1e6,
    }
}

impl CallPrice {
    fn of(call: &CallFigures, seconds: f64, hop: Cost) -> Self {
        let wire = call.as_wire.unwrap_or_default();
        let mean = |sum: u64| ratio(sum as f64, wire.weighed as f64);
        // The hop's own argument and answer are a few bytes; what these take is beside it.
        let serialize_us = mean(wire.serialize_ns) / 1_000.0;
        Self {
            caller: call.caller.clone(),
            callee: call.service.clone(),
            port: call.port.clone(),
            method: call.method.clone(),
            per_second: ratio(call.calls as f64, seconds),
            request_bytes: mean(wire.request_bytes),
            response_bytes: mean(wire.response_bytes),
            added: Cost {
                mean_us: hop.mean_us + serialize_us,
                p50_us: hop.p50_us + serialize_us,
                p99_us: hop.p99_us + serialize_us,
                cpu_us: hop.cpu_us + serialize_us,
            },
        }
    }
}

impl RequestPrice {
    fn of(asked: &RequestFigures, seconds: f64, hop: Cost) -> Self {
        let requests = asked.requests as f64;
        Self {
            per_second: ratio(requests, seconds),
            request_bytes: ratio(asked.request_bytes as f64, requests),
            response_bytes: ratio(asked.response_bytes as f64, requests),
            added: hop,
        }
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::WireFigures;

    const HOP: HopFigures = HopFigures {
        made: 100,
        call: Cost { mean_us: 250.0, p50_us: 200.0, p99_us: 900.0, cpu_us: 150.0 },
        request: Cost { mean_us: 350.0, p50_us: 300.0, p99_us: 1_000.0, cpu_us: 250.0 },
    };

    fn call(caller: &str, service: &str, calls: u64) -> CallFigures {
        let weighed = WireFigures {
            weighed: 10,
            request_bytes: 1_000,
            response_bytes: 5_000,
            serialize_ns: 80_000,
        };
        CallFigures {
            caller: caller.to_owned(),
            service: service.to_owned(),
            port: "BillingApi".to_owned(),
            version: 1,
            method: "reserve".to_owned(),
            transport: "direct".to_owned(),
            calls,
            as_wire: Some(weighed),
            ..CallFigures::default()
        }
    }

    fn asked(module: &str, requests: u64) -> RequestFigures {
        let bytes = 100 * requests;
        RequestFigures {
            module: module.to_owned(),
            requests,
            request_bytes: bytes,
            response_bytes: 3 * bytes,
        }
    }

    fn counted(calls: Vec<CallFigures>, requests: Vec<RequestFigures>) -> Counted {
        Counted { over: Duration::from_secs(50), calls, requests }
    }

    #[test]
    fn what_crosses_the_module_s_boundary_is_paid_for_and_nothing_else() {
        let counted = counted(
            vec![
                call("auth", "billing", 1_000),
                call("billing", "auth", 500),
                call("billing", "billing", 9_000),
                call("auth", "notifications", 9_000),
                CallFigures {
                    transport: "http".to_owned(),
                    as_wire: None,
                    ..call("depot", "billing", 9_000)
                },
            ],
            vec![asked("auth", 9_000), asked("billing", 2_000)],
        );
        let price = predict("billing", &counted, &HOP);
        let added = Cost { mean_us: 258.0, p50_us: 208.0, p99_us: 908.0, cpu_us: 158.0 };
        let expected = [("auth", 20.0), ("billing", 10.0)].map(|(caller, per_second)| CallPrice {
            caller: caller.to_owned(),
            callee: if caller == "auth" { "billing" } else { "auth" }.to_owned(),
            port: "BillingApi".to_owned(),
            method: "reserve".to_owned(),
            per_second,
            request_bytes: 100.0,
            response_bytes: 500.0,
            added,
        });
        assert_eq!(price.calls, expected);
        let requests = RequestPrice {
            per_second: 40.0,
            request_bytes: 100.0,
            response_bytes: 300.0,
            added: HOP.request,
        };
        assert_eq!(price.requests, Some(requests));
        // 30 calls of 158 µs and 40 requests of 250 µs each second.
        assert!((price.added_cpu - 0.014_74).abs() < 1e-9, "{}", price.added_cpu);
    }

    #[test]
    fn a_module_that_nobody_uses_costs_nothing() {
        let counted = counted(vec![call("auth", "billing", 9)], vec![asked("notifications", 0)]);
        let price = predict("notifications", &counted, &HOP);
        assert_eq!((price.calls.len(), price.requests, price.added_cpu), (0, None, 0.0));
    }

    #[test]
    fn a_call_that_was_never_weighed_costs_the_hop() {
        let unweighed =
            CallFigures { as_wire: Some(WireFigures::default()), ..call("auth", "billing", 1) };
        let price = predict("billing", &counted(vec![unweighed], Vec::new()), &HOP);
        assert_eq!(price.calls[0].added, HOP.call);
    }

    #[test]
    fn of_calls_of_which_none_was_weighed_lately_all_so_far_are_the_measure() {
        let (before, now) = (call("auth", "billing", 100), call("auth", "billing", 130));
        let lately = counted(vec![now], Vec::new()).since(&counted(vec![before], Vec::new()));
        let price = predict("billing", &Counted { over: Duration::from_secs(50), ..lately }, &HOP);
        assert_eq!((price.calls[0].request_bytes, price.calls[0].response_bytes), (100.0, 500.0));
        assert!((price.calls[0].added.cpu_us - 158.0).abs() < 1e-9, "{:?}", price.calls);
    }

    #[test]
    fn rates_are_of_what_came_between_two_readings() {
        let before = counted(vec![call("auth", "billing", 100)], vec![asked("billing", 10)]);
        let now = Counted {
            over: Duration::from_secs(60),
            ..counted(
                vec![call("auth", "billing", 130), call("billing", "auth", 50)],
                vec![asked("billing", 30)],
            )
        };
        let price = predict("billing", &now.since(&before), &HOP);
        let rates: Vec<f64> = price.calls.iter().map(|call| call.per_second).collect();
        assert_eq!(rates, [3.0, 5.0]);
        assert_eq!(price.requests.map(|requests| requests.per_second), Some(2.0));
    }
}
