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
use futures_util::future::join_all;
use rabbitmq::RabbitBroker;
use serde::Serialize;
use storage::Store;

use crate::{bus, config::Config};

/// A store that takes longer to answer is not ready. Longer than a full pool is waited for where
/// nothing else is set, so that a store answers for itself; whoever asks gives up soon after.
const PATIENCE: Duration = Duration::from_secs(2);

/// What readiness depends on: the local modules' stores. A remote module that is down is reported
/// and makes nothing unready, since all other routes keep working; nor does a broker that is down,
/// since events wait in the outboxes. Taking every replica out for it would make an outage of
/// mails one of everything.
pub(crate) struct Health {
    stores: Vec<(&'static str, Store)>,
    remote: Vec<String>,
    broker: Option<Arc<RabbitBroker>>,
    draining: AtomicBool,
}

impl Health {
    pub(crate) fn new(
        stores: &[(&'static str, Store)],
        config: &Config,
        broker: Option<Arc<RabbitBroker>>,
    ) -> Self {
        Self {
            stores: stores.to_vec(),
            remote: config.modules.keys().cloned().collect(),
            broker,
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
    /// `ready`, `degraded` (ready, but events wait) or `not ready`.
    status: &'static str,
    modules: BTreeMap<String, &'static str>,
    /// `up` or `down`, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    broker: Option<&'static str>,
}

/// Depends on nothing but the process: restarting it mends no database.
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "live" }))
}

async fn ready(health: Data<Health>) -> HttpResponse {
    let stores = health.stores.iter().map(|(name, store)| async {
        let answered = tokio::time::timeout(PATIENCE, store.ping()).await;
        ((*name).to_owned(), matches!(answered, Ok(Ok(()))))
    });
    let stores = join_all(stores).await;
    let all_ready =
        !health.draining.load(Ordering::Relaxed) && stores.iter().all(|(_, is_ready)| *is_ready);
    let remote = health.remote.iter().map(|name| (name.clone(), "remote"));
    let local = stores
        .into_iter()
        .map(|(name, is_ready)| (name, if is_ready { "ready" } else { "not ready" }));
    let modules = remote.chain(local).collect();
    let broker = health.broker.as_ref().map(|broker| bus::is_up(&broker.state()));
    let shown = broker.map(|is_up| if is_up { "up" } else { "down" });
    let status = match (all_ready, broker) {
        (false, _) => "not ready",
        (true, Some(false)) => "degraded",
        (true, _) => "ready",
    };
    let readiness = Readiness { status, modules, broker: shown };
    if all_ready {
        HttpResponse::Ok().json(readiness)
    } else {
        HttpResponse::ServiceUnavailable().json(readiness)
    }
}
