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
    pub(super) requests: Option<f64>,
    /// Of them those answered with 503.
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
const STATEMENTS: &str = "db_client_operation_duration_seconds";
const BUSY: &str = "ashlar_module_busy_seconds_total";

impl Sample {
    pub(super) fn of(families: &Families, counted: Counted) -> Self {
        let is_public = |metric: &Metric| label(metric, "listener") == Some("public");
        let status = |metric: &Metric| label(metric, "http_response_status_code") == Some("503");
        let operation = |names: &[&str]| {
            let is_one = |metric: &Metric| {
                label(metric, "db_operation_name").is_some_and(|name| names.contains(&name))
            };
            families.sum(STATEMENTS, is_one).unwrap_or(0.0)
        };
        let all = |_: &Metric| true;
        Self {
            at: Instant::now(),
            routes: routes(families),
            requests: families.sum(REQUESTS, is_public),
            turned_away: families.sum(REQUESTS, |metric| is_public(metric) && status(metric)),
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

fn routes(families: &Families) -> BTreeMap<String, Buckets> {
    let mut routes: BTreeMap<String, Buckets> = BTreeMap::new();
    for metric in families.series(REQUESTS).unwrap_or_default() {
        let of = |name| label(metric, name);
        let (Some("public"), Some(method), Some(route)) =
            (of("listener"), of("http_request_method"), of("http_route"))
        else {
            continue;
        };
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
