//! What is counted of a pool: how many connections there are, and how long they are waited for.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use admission::{Refused, Turn};
use telemetry::metrics::{Asked, Counter, Histogram, KeyValue, STEPS, durations, meter};

static WAITS: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    durations("db.client.connection.wait_time", "Waits for a connection that there was", &STEPS)
});

static TIMEOUTS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("db.client.connection.timeouts")
        .with_description("Waits for a connection that there was not in time")
        .build()
});

const COUNT: Asked = Asked {
    name: "db.client.connection.count",
    unit: "{connection}",
    description: "Connections that are open",
};

const PENDING: Asked = Asked {
    name: "db.client.connection.pending_requests",
    unit: "{request}",
    description: "Requests that wait for a connection",
};

/// One pool's attributes, which is named as its role of the database.
pub(super) struct Waits([KeyValue; 1]);

/// Connections of a pool, and those who wait for one.
pub(super) struct Usage {
    pub(super) used: usize,
    pub(super) idle: usize,
    pub(super) waiting: usize,
}

impl Waits {
    pub(super) fn of(pool: &str) -> Self {
        let waits = Self([KeyValue::new(POOL, pool.to_owned())]);
        TIMEOUTS.add(0, &waits.0);
        waits
    }

    /// Counts a wait.
    pub(super) fn ended(&self, took: Duration, turn: &Result<Turn, Refused>) {
        match turn {
            Ok(_) => WAITS.record(took.as_secs_f64(), &self.0),
            Err(Refused::TimedOut) => TIMEOUTS.add(1, &self.0),
            Err(Refused::Closed) => {}
        }
    }

    /// Has the program's metrics tell how `pool` is used, for as long as there is one.
    pub(super) fn tell<T: Send + Sync + 'static>(&self, pool: &Arc<T>, usage: fn(&T) -> Usage) {
        let [name] = self.0.clone();
        let counted = (Arc::downgrade(pool), name);
        let asked = counted.clone();
        COUNT.gauge(move |observer| {
            let (pool, name) = &counted;
            let Some(pool) = pool.upgrade() else { return };
            let Usage { used, idle, .. } = usage(&pool);
            for (state, number) in [("used", used), ("idle", idle)] {
                observer.observe(number as f64, &[name.clone(), KeyValue::new(STATE, state)]);
            }
        });
        PENDING.gauge(move |observer| {
            let (pool, name) = &asked;
            if let Some(pool) = pool.upgrade() {
                observer.observe(usage(&pool).waiting as f64, std::slice::from_ref(name));
            }
        });
    }
}

const POOL: &str = "db.client.connection.pool.name";
const STATE: &str = "db.client.connection.state";
