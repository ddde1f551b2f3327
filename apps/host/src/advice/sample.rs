//! What was counted up to one moment, of what the advisor asks for.

use std::{collections::BTreeMap, time::Instant};

use prometheus::proto::Metric;
use seam::price::Counted;

use super::families::{Buckets, Families, label};

/// Sums since the program began, unless it says otherwise. What is missing is not measured here.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    /// Requests of clients by route, of those that are a module's or the program's own.
    pub(super) routes: BTreeMap<String, Buckets>,
    /// Of clients, whether they came here first or were passed on.
    pub(super) requests: Option<f64>,
    /// Waits for a connection or a hash that ended in vain although others were served meanwhile. What is
    /// not to be had at all is an outage, and no limit's fault.
    pub(super) turned_away: Option<f64>,
    /// Seconds.
    pub(super) cpu: Option<f64>,
    /// Bytes, now.
    pub(super) memory: Option<f64>,
    /// Open, now.
    pub(super) connections: Option<f64>,
    pub(super) connection_waits: Option<Buckets>,
    /// Statements that read, and those that write.
    pub(super) reads: f64,
    pub(super) writes: f64,
    /// Seconds, by module.
    pub(super) busy: BTreeMap<String, f64>,
    pub(super) counted: Counted,
}

const REQUESTS: &str = "http_server_request_duration_seconds";
const TURNED_AWAY: &str = "ashlar_admission_refusals_total";
const STATEMENTS: &str = "db_client_operation_duration_seconds";
const BUSY: &str = "ashlar_module_busy_seconds_total";

impl Sample {
    pub(super) fn of(families: &Families, counted: Counted) -> Self {
        let operation = |names: &[&str]| {
            let is_one = |metric: &Metric| {
                label(metric, "db_operation_name").is_some_and(|name| names.contains(&name))
            };
            families.sum(STATEMENTS, is_one).unwrap_or(0.0)
        };
        let all = |_: &Metric| true;
        let requests = families.sum(REQUESTS, is_client_s);
        // A program without queues turns nobody away.
        let turned_away = families.sum(TURNED_AWAY, all).or(requests.map(|_| 0.0));
        Self {
            at: Instant::now(),
            routes: routes(families),
            requests,
            turned_away,
            cpu: families.sum("process_cpu_time_seconds_total", all),
            memory: families.sum("process_memory_usage_bytes", all),
            connections: families.sum("db_client_connection_count", all),
            connection_waits: families.buckets("db_client_connection_wait_time_seconds", all),
            reads: operation(&["SELECT"]),
            writes: operation(&["INSERT", "UPDATE", "DELETE"]),
            busy: busy(families),
            counted,
        }
    }
}

/// What our own programs and operators ask is none of the load.
fn is_client_s(request: &Metric) -> bool {
    label(request, "listener").is_some_and(|listener| listener != "internal")
}

fn routes(families: &Families) -> BTreeMap<String, Buckets> {
    let mut routes: BTreeMap<String, Buckets> = BTreeMap::new();
    for metric in families.series(REQUESTS).unwrap_or_default() {
        let of = |name| label(metric, name);
        let (Some(method), Some(route)) = (of("http_request_method"), of("http_route")) else {
            continue;
        };
        if !is_client_s(metric) {
            continue;
        }
        let known = routes.entry(format!("{method} {route}")).or_default();
        *known = std::mem::take(known).and(Buckets::of(metric));
    }
    routes
}

fn busy(families: &Families) -> BTreeMap<String, f64> {
    let series = families.series(BUSY).unwrap_or_default();
    let of_module = |metric: &Metric| {
        let seconds = metric.get_counter().get_value();
        Some((label(metric, "module")?.to_owned(), seconds))
    };
    series.iter().filter_map(of_module).collect()
}

#[cfg(test)]
mod tests {
    use prometheus::{CounterVec, HistogramOpts, HistogramVec, Opts, Registry};

    use super::*;

    fn counter(registry: &Registry, name: &str, series: &[(&[(&str, &str)], f64)]) {
        let labels: Vec<&str> = series[0].0.iter().map(|(name, _)| *name).collect();
        let counter = CounterVec::new(Opts::new(name, "h"), &labels).expect("a counter");
        for (labels, value) in series {
            let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
            counter.with_label_values(&values).inc_by(*value);
        }
        registry.register(Box::new(counter)).expect("a new name");
    }

    /// Requests to routes, each of which took as long.
    fn requests(registry: &Registry, asked: &[([&str; 4], f64)]) {
        let labels = ["listener", "http_request_method", "http_route", "http_response_status_code"];
        let options = HistogramOpts::new(REQUESTS, "h").buckets(vec![0.1, 1.0]);
        let requests = HistogramVec::new(options, &labels).expect("a histogram");
        for (labels, seconds) in asked {
            requests.with_label_values(labels).observe(*seconds);
        }
        registry.register(Box::new(requests)).expect("a new name");
    }

    fn of(registry: &Registry) -> Sample {
        Sample::of(&Families(registry.gather()), Counted::default())
    }

    #[test]
    fn requests_are_those_of_clients_however_they_came() {
        let registry = Registry::new();
        requests(
            &registry,
            &[
                (["public", "GET", "/v1/auth/me", "200"], 0.05),
                (["public", "GET", "/v1/auth/me", "401"], 0.5),
                (["passed_on", "GET", "/v1/billing/plans", "200"], 0.05),
                (["internal", "POST", "/internal/ports", "200"], 0.05),
            ],
        );
        let sample = of(&registry);
        assert_eq!(sample.requests, Some(3.0));
        let routes: Vec<(&str, f64)> =
            sample.routes.iter().map(|(route, seen)| (route.as_str(), seen.count())).collect();
        assert_eq!(routes, [("GET /v1/auth/me", 2.0), ("GET /v1/billing/plans", 1.0)]);
    }

    #[test]
    fn an_outage_turns_nobody_away() {
        let registry = Registry::new();
        requests(&registry, &[(["public", "POST", "/v1/billing/subscriptions", "503"], 0.1)]);
        assert_eq!(of(&registry).turned_away, Some(0.0));
        let queue = |name| [("queue", name)];
        let (pool, passwords) = (queue("ashlar_billing_app"), queue("passwords"));
        counter(&registry, TURNED_AWAY, &[(&pool, 3.0), (&passwords, 2.0)]);
        assert_eq!(of(&registry).turned_away, Some(5.0));
    }

    #[test]
    fn statements_read_or_write_and_work_is_a_module_s() {
        let registry = Registry::new();
        let options = HistogramOpts::new(STATEMENTS, "h").buckets(vec![1.0]);
        let labels = ["module", "db_operation_name"];
        let statements = HistogramVec::new(options, &labels).expect("a histogram");
        for (name, times) in
            [("SELECT", 5), ("INSERT", 1), ("UPDATE", 2), ("DELETE", 3), ("COMMIT", 9)]
        {
            for _ in 0..times {
                statements.with_label_values(&["auth", name]).observe(0.1);
            }
        }
        registry.register(Box::new(statements)).expect("a new name");
        counter(&registry, BUSY, &[(&[("module", "auth")], 1.5), (&[("module", "host")], 0.5)]);
        let sample = of(&registry);
        assert_eq!((sample.reads, sample.writes), (5.0, 6.0));
        let busy: Vec<(&str, f64)> =
            sample.busy.iter().map(|(module, seconds)| (module.as_str(), *seconds)).collect();
        assert_eq!(busy, [("auth", 1.5), ("host", 0.5)]);
    }

    #[test]
    fn what_nobody_tells_is_not_measured() {
        let sample = of(&Registry::new());
        let figures =
            [sample.requests, sample.turned_away, sample.cpu, sample.memory, sample.connections];
        assert_eq!(figures, [None; 5]);
        assert_eq!(sample.connection_waits, None);
    }
}
