//! Liveness and readiness.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpResponse,
    web::{self as actix, Data, ServiceConfig},
};
use serde::Serialize;
use storage::Store;

use crate::config::Config;

/// A store that takes longer to answer is not ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// What readiness depends on: the local modules' stores. A remote module that is down is reported
/// and makes nothing unready, since all other routes keep working.
pub(crate) struct Health {
    stores: Vec<(&'static str, Store)>,
    remote: Vec<String>,
    draining: AtomicBool,
}

impl Health {
    pub(crate) fn new(stores: &[(&'static str, Store)], config: &Config) -> Self {
        Self {
            stores: stores.to_vec(),
            remote: config.modules.keys().cloned().collect(),
            draining: AtomicBool::new(false),
        }
    }

    /// From now on not ready, so that a load balancer sends nothing more.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn routes(self: &Arc<Self>, config: &mut ServiceConfig) {
        config
            .app_data(Data::from(Arc::clone(self)))
            .service(actix::resource("/health/live").route(actix::get().to(live)))
            .service(actix::resource("/health/ready").route(actix::get().to(ready)));
    }
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    modules: BTreeMap<String, &'static str>,
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "live" }))
}

async fn ready(health: Data<Health>) -> HttpResponse {
    let mut modules: BTreeMap<String, &str> =
        health.remote.iter().map(|name| (name.clone(), "remote")).collect();
    let mut all_ready = !health.draining.load(Ordering::Relaxed);
    for (name, store) in &health.stores {
        let answered = tokio::time::timeout(PATIENCE, store.ping()).await;
        let is_ready = matches!(answered, Ok(Ok(())));
        all_ready &= is_ready;
        modules.insert((*name).to_owned(), if is_ready { "ready" } else { "not ready" });
    }
    if all_ready {
        HttpResponse::Ok().json(Readiness { status: "ready", modules })
    } else {
        HttpResponse::ServiceUnavailable().json(Readiness { status: "not ready", modules })
    }
}
