//! The two listeners.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use ::dashboard::{Dashboard, Rates};
use actix_web::{HttpRequest, HttpServer, dev::ServerHandle, web as actix};
use anyhow::Context as _;
use futures_util::future::join;
use kernel::Clock;
use module::RoutesOf;
use remote::{HttpClient, Remote, Replicas};
use sandbox::SandboxMailbox;
use seam::{ModuleDescriptor, ServedPort};
use tokens::{HopVerifier, TrustStore};
use tokio::{
    runtime::Handle,
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use utoipa_actix_web::service_config::ServiceConfig;
use web::{AccessVerifier, Edge, Encryption, HALF_CLOSED};

use crate::{
    catalogue,
    config::Config,
    dashboard,
    docs::Docs,
    gateway::{Connections, Gateway},
    health::Health,
    limits, mailbox,
    ops::Ops,
};

/// How long a listener keeps an idle connection: longer than the programs' own pools do, so that
/// nothing is sent into a connection that closes.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// What the listeners serve.
pub(crate) struct Parts<'a> {
    pub(crate) program: &'static str,
    pub(crate) config: &'a Config,
    /// Where there is a dashboard that shows them.
    pub(crate) rates: Option<Arc<Rates>>,
    pub(crate) trust: Arc<TrustStore>,
    pub(crate) routes: Vec<RoutesOf>,
    pub(crate) served: Vec<ServedPort>,
    pub(crate) verifier: Arc<dyn AccessVerifier>,
    pub(crate) health: Arc<Health>,
    pub(crate) ops: Ops,
    pub(crate) client: HttpClient,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Two bound listeners at work.
pub(crate) struct Listeners {
    pub(crate) public_address: SocketAddr,
    pub(crate) internal_address: SocketAddr,
    public: Listener,
    internal: Listener,
}

struct Listener {
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl Listeners {
    /// Binds both and begins to serve.
    pub(crate) fn bind(parts: Parts<'_>) -> anyhow::Result<Self> {
        let (internal_address, internal) = bind_internal(&parts)?;
        let (public_address, public) = bind_public(&parts, internal_address)?;
        Ok(Self { public_address, internal_address, public, internal })
    }

    /// Takes no new connections at either and waits for the requests in hand. What is not done at
    /// `deadline` is cut off.
    pub(crate) async fn stop(self, deadline: Instant) {
        let both = join(self.public.stop(), self.internal.stop());
        if timeout_at(deadline, both).await.is_err() {
            tracing::warn!("requests were cut off at the end of the drain");
        }
    }
}

impl Listener {
    async fn stop(self) {
        self.handle.stop(GRACEFULLY).await;
        drop(self.task.await);
    }
}

const GRACEFULLY: bool = true;

fn bind_public(parts: &Parts<'_>, internal: SocketAddr) -> anyhow::Result<(SocketAddr, Listener)> {
    let config = parts.config;
    let edge = Edge {
        limits: Arc::clone(&parts.ops.limits),
        proxies: limits::proxies(config),
        request_time: config.public.request_time(),
        body_limit: config.public.max_body_bytes,
        origins: config.public.allowed_origins.clone(),
        encryption: if config.public.behind_tls { Encryption::Tls } else { Encryption::Plain },
        traffic: Arc::clone(&parts.ops.traffic),
        ..Edge::new(Arc::clone(&parts.verifier))
    };
    let passed_on = passed_on(config, &parts.client)?;
    let mailbox = match config.profile.allows_sandbox() {
        true => Some(Arc::new(SandboxMailbox::open(config.data.mailbox())?)),
        false => None,
    };
    let dashboard = mailbox.as_ref().and_then(|mailbox| dashboard::of(parts, mailbox, internal));
    let site = PublicSite {
        routes: parts.routes.clone().into(),
        gateways: gateways(&passed_on, config).into(),
        docs: Arc::new(docs(&passed_on, &parts.routes)),
        health: Arc::clone(&parts.health),
        mailbox,
        dashboard,
    };
    let server = HttpServer::new(move || {
        let site = site.clone();
        web::public_app(&edge, move |config| site.configure(config))
    })
    .h1_allow_half_closed(HALF_CLOSED)
    .tcp_nodelay(NO_DELAY)
    .workers(config.public.workers)
    .disable_signals()
    .shutdown_timeout(config.internal.drain_seconds)
    .keep_alive(KEEP_ALIVE)
    .bind(config.public.bind)
    .with_context(|| format!("{} cannot be bound (public.bind)", config.public.bind))?;
    start(server.addrs(), server.run())
}

/// An answer that is written in parts, as the gateway's are, would otherwise wait for the client to
/// acknowledge the first of them, which it may put off for 40 ms.
const NO_DELAY: bool = true;

fn bind_internal(parts: &Parts<'_>) -> anyhow::Result<(SocketAddr, Listener)> {
    let config = parts.config;
    let verifier = Arc::new(HopVerifier::new(Arc::clone(&parts.trust), Arc::clone(&parts.clock)));
    let (served, health, ops) =
        (parts.served.clone(), Arc::clone(&parts.health), parts.ops.clone());
    let server = HttpServer::new(move || {
        let (served, verifier) = (served.clone(), Arc::clone(&verifier));
        let (health, ops) = (Arc::clone(&health), ops.clone());
        web::internal_app(move |config| {
            web::internal::ports(served, verifier)(config);
            health.routes(config);
            ops.routes(config);
        })
    })
    .h1_allow_half_closed(HALF_CLOSED)
    .tcp_nodelay(NO_DELAY)
    .workers(config.internal.workers)
    .disable_signals()
    .shutdown_timeout(config.internal.drain_seconds)
    .keep_alive(KEEP_ALIVE)
    .bind(config.internal.bind)
    .with_context(|| format!("{} cannot be bound (internal.bind)", config.internal.bind))?;
    start(server.addrs(), server.run())
}

fn start(
    addresses: Vec<SocketAddr>,
    server: actix_web::dev::Server,
) -> anyhow::Result<(SocketAddr, Listener)> {
    let address = addresses.first().copied().context("the listener has no address")?;
    let handle = server.handle();
    Ok((address, Listener { handle, task: tokio::spawn(server) }))
}

/// What one worker of the public listener serves.
#[derive(Clone)]
struct PublicSite {
    routes: Arc<[RoutesOf]>,
    gateways: Arc<[(&'static [&'static str], Gateway)]>,
    docs: Arc<Docs>,
    health: Arc<Health>,
    mailbox: Option<Arc<SandboxMailbox>>,
    dashboard: Option<Dashboard>,
}

impl PublicSite {
    fn configure(&self, config: &mut ServiceConfig<'_>) {
        for routes in &*self.routes {
            routes(config);
        }
        let connections = Connections::default();
        config.map(|config| {
            for (prefixes, gateway) in &*self.gateways {
                for prefix in *prefixes {
                    let (gateway, connections) = (Rc::new(gateway.clone()), connections.clone());
                    let forward = move |request: HttpRequest, payload: actix::Payload| {
                        web::note_below(&request, prefix);
                        let (gateway, connections) = (Rc::clone(&gateway), connections.clone());
                        async move { gateway.forward(&connections, request, payload).await }
                    };
                    config.service(actix::scope(prefix).default_service(actix::to(forward)));
                }
            }
            self.health.routes(config);
            self.docs.routes(config);
            if let Some(mailbox) = &self.mailbox {
                mailbox::routes(Arc::clone(mailbox), config);
            }
            if let Some(dashboard) = &self.dashboard {
                dashboard.routes(config);
            }
            config
        });
    }
}

/// A module that runs elsewhere, whose paths come in here.
struct PassedOn {
    module: &'static ModuleDescriptor,
    owners: Arc<Replicas>,
}

fn passed_on(config: &Config, client: &HttpClient) -> anyhow::Result<Vec<PassedOn>> {
    let elsewhere = catalogue::MODULES
        .iter()
        .filter_map(|module| Some((module, config.modules.get(module.name)?)))
        .filter(|(_, remote)| !remote.public_urls.is_empty());
    let passed_on = elsewhere.map(|(module, remote)| {
        let remote = Remote { service: module.name.into(), urls: remote.public_urls.clone() };
        Ok(PassedOn { module, owners: Arc::new(Replicas::of(remote, client)?) })
    });
    passed_on.collect()
}

fn gateways(passed_on: &[PassedOn], config: &Config) -> Vec<(&'static [&'static str], Gateway)> {
    passed_on
        .iter()
        .map(|PassedOn { module, owners }| {
            let gateway = Gateway {
                module: module.name,
                owners: Arc::clone(owners),
                patience: config.public.request_time(),
                scheme: if config.public.behind_tls { "https" } else { "http" },
                proxies: limits::proxies(config),
            };
            (module.public_prefixes, gateway)
        })
        .collect()
}

fn docs(passed_on: &[PassedOn], routes: &[RoutesOf]) -> Docs {
    let local = web::openapi(|config| routes.iter().for_each(|routes| routes(config)));
    let mut docs = Docs::new(local, Handle::current());
    for PassedOn { module, owners } in passed_on {
        docs.add(module, Arc::clone(owners));
    }
    docs
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpResponse};
    use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Semaphore};

    use super::*;

    /// A listener whose requests arrive and never end.
    fn endless(arrived: &Arc<Semaphore>) -> (SocketAddr, Listener) {
        let arrived = Arc::clone(arrived);
        let server = HttpServer::new(move || {
            let arrived = Arc::clone(&arrived);
            App::new().default_service(actix::to(move || {
                arrived.add_permits(1);
                std::future::pending::<HttpResponse>()
            }))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(60);
        let server = server.bind(("127.0.0.1", 0)).expect("a free port");
        start(server.addrs(), server.run()).expect("a listener")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_listeners_do_not_wait_one_after_the_other() {
        let arrived = Arc::new(Semaphore::new(0));
        let (public_address, public) = endless(&arrived);
        let (internal_address, internal) = endless(&arrived);
        let mut held = Vec::new();
        for address in [public_address, internal_address] {
            let mut client = TcpStream::connect(address).await.expect("a connection");
            client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
            held.push(client);
        }
        drop(arrived.acquire_many(2).await.expect("both are in hand"));

        let begun = Instant::now();
        let drain = Duration::from_secs(1);
        let listeners = Listeners { public_address, internal_address, public, internal };
        listeners.stop(begun + drain).await;
        let took = begun.elapsed();
        assert!((drain..2 * drain).contains(&took), "the stop took {took:?}");
    }
}
