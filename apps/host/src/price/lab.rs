//! Two programs in one process, which have nothing to do but to answer: the owner of a module, and one
//! that passes requests on to it.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse, HttpServer, web as actix};
use anyhow::Context as _;
use async_trait::async_trait;
use kernel::{CallContext, CallId, Principal, Role, SystemClock, TenantId, UserId};
use remote::{HttpClient, HttpTransport, Remote, Replicas};
use seam::{CallFailure, Port as _, PortError, ServedPort, Slot, port};
use serde::{Deserialize, Serialize};
use tokens::{AccessClaims, HopSigner, HopVerifier, SigningKey, TrustStore};
use tokio::runtime::Handle;
use utoipa::ToSchema;
use web::{AccessRefusal, AccessVerifier, Edge, HALF_CLOSED, limits::TrustedProxies};

use crate::gateway::{Connections, Gateway};

/// The owner, as calls name it.
const SERVICE: &str = "hop";
/// The program that calls.
const CALLER: &str = "caller";
/// The path that belongs to the owner.
const PREFIX: &str = "/hop";
const PATIENCE: Duration = Duration::from_secs(10);

/// A kind of request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// None at all.
    Nothing,
    /// A call to a port of the owner.
    Call,
    /// A client's request to the owner.
    Owner,
    /// The same to the program that passes it on.
    PassedOn,
}

impl Asked {
    pub(super) const ALL: [Self; 4] = [Self::Nothing, Self::Call, Self::Owner, Self::PassedOn];
}

#[port(service = "hop", version = 1)]
trait HopApi {
    #[call(read)]
    async fn count(&self, ctx: &CallContext, question: Question) -> Result<Count, HopError>;
}

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
struct Question {
    at_least: u32,
}

#[derive(Serialize, Deserialize, ToSchema)]
struct Count {
    used: u32,
    limit: u32,
}

#[derive(Debug, Serialize, Deserialize, thiserror::Error, PortError, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum HopError {
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

struct Owner;

#[async_trait]
impl HopApi for Owner {
    async fn count(&self, _: &CallContext, question: Question) -> Result<Count, HopError> {
        Ok(Count { used: question.at_least, limit: 10 })
    }
}

/// The two programs, and who asks them.
pub(super) struct Lab {
    port: Arc<dyn HopApi>,
    clients: reqwest::Client,
    owner: String,
    passing_on: String,
}

impl Lab {
    /// Opens both programs' listeners, on free ports of this machine. `programs` is the runtime on
    /// which they and their connections live.
    ///
    /// # Errors
    /// A port, a key or a client that cannot be had.
    pub(super) fn open(programs: &Handle) -> anyhow::Result<Self> {
        let client = HttpClient::new(programs.clone())?;
        let key = Arc::new(SigningKey::generate()?);
        let internal = url(serve_port(&key)?);
        let remote = Remote { service: SERVICE.to_owned(), urls: vec![internal] };
        let signer = HopSigner::new(key, CALLER, Arc::new(SystemClock));
        let transport = HttpTransport::new(remote, client.clone(), Arc::new(signer))?;
        let owner = url(serve_owner()?);
        Ok(Self {
            port: <dyn HopApi>::remote(Arc::new(transport)),
            clients: client.connections("http")?,
            passing_on: format!("{}{PREFIX}/one", url(serve_gateway(&owner, &client)?)),
            owner: format!("{owner}{PREFIX}/one"),
        })
    }

    /// Makes one request, and waits for its answer.
    ///
    /// # Errors
    /// There is none.
    pub(super) async fn ask(&self, asked: Asked) -> anyhow::Result<()> {
        match asked {
            Asked::Nothing => {}
            Asked::Call => {
                let principal = Principal::User {
                    user: UserId(CallId::random().0),
                    tenant: TenantId(CallId::random().0),
                    role: Role::Member,
                };
                let context = CallContext::new(principal, CallId::random(), PATIENCE);
                self.port.count(&context, Question { at_least: 3 }).await?;
            }
            Asked::Owner => self.get(&self.owner).await?,
            Asked::PassedOn => self.get(&self.passing_on).await?,
        }
        Ok(())
    }

    async fn get(&self, url: &str) -> anyhow::Result<()> {
        let answer = self.clients.get(url).timeout(PATIENCE).send().await?;
        let answer = answer.error_for_status()?.bytes().await?;
        anyhow::ensure!(answer == ANSWER, "another answer came back");
        Ok(())
    }
}

/// As long as the answers of most reads are.
const ANSWER: &str = r#"{"plan":"team","status":"active","seats":{"used":3,"limit":10},"current_period_end":"2026-12-01T00:00:00Z","cancel_at_period_end":false}"#;

fn listener() -> anyhow::Result<(SocketAddr, TcpListener)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok((listener.local_addr()?, listener))
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn serve_port(key: &SigningKey) -> anyhow::Result<SocketAddr> {
    let trust = TrustStore::fixed([(CALLER, key.public_jwk())])?;
    let verifier = HopVerifier::new(trust, Arc::new(SystemClock));
    let dispatch = <dyn HopApi>::server(Slot::filled(Arc::new(Owner)));
    let served = vec![ServedPort { service: SERVICE.to_owned(), dispatch }];
    let routes = web::internal::ports(served, verifier);
    let (address, listener) = listener()?;
    let server = HttpServer::new(move || web::internal_app(routes.clone()));
    let server = server.h1_allow_half_closed(HALF_CLOSED).tcp_nodelay(true).workers(1);
    drop(tokio::spawn(server.disable_signals().listen(listener)?.run()));
    Ok(address)
}

fn serve_owner() -> anyhow::Result<SocketAddr> {
    let (address, listener) = listener()?;
    let edge = edge();
    let server = HttpServer::new(move || {
        web::public_app(&edge, |config| {
            config.map(|config| {
                let answer = async || HttpResponse::Ok().body(ANSWER);
                config.service(actix::scope(PREFIX).default_service(actix::to(answer)))
            });
        })
    });
    let server = server.h1_allow_half_closed(HALF_CLOSED).tcp_nodelay(true).workers(1);
    drop(tokio::spawn(server.disable_signals().listen(listener)?.run()));
    Ok(address)
}

fn serve_gateway(owner: &str, client: &HttpClient) -> anyhow::Result<SocketAddr> {
    let remote = Remote { service: SERVICE.to_owned(), urls: vec![owner.to_owned()] };
    let gateway = Gateway {
        module: SERVICE,
        owners: Arc::new(Replicas::of(remote, client)?),
        patience: PATIENCE,
        scheme: "http",
        proxies: TrustedProxies::default(),
    };
    let (address, listener) = listener()?;
    let edge = edge();
    let server = HttpServer::new(move || {
        let (gateway, connections) = (gateway.clone(), Connections::default());
        web::public_app(&edge, move |config| {
            config.map(|config| {
                let gateway = Rc::new(gateway);
                let forward = move |request: HttpRequest, payload: actix::Payload| {
                    let (gateway, connections) = (Rc::clone(&gateway), connections.clone());
                    async move { gateway.forward(&connections, request, payload).await }
                };
                config.service(actix::scope(PREFIX).default_service(actix::to(forward)))
            });
        })
    });
    let server = server.h1_allow_half_closed(HALF_CLOSED).tcp_nodelay(true).workers(1);
    drop(tokio::spawn(server.disable_signals().listen(listener)?.run()));
    Ok(address)
}

fn edge() -> Edge {
    Edge::new(Arc::new(Nobody))
}

/// Nobody shows a token here.
struct Nobody;

#[async_trait]
impl AccessVerifier for Nobody {
    async fn verify(&self, _: &str) -> Result<AccessClaims, AccessRefusal> {
        Err(AccessRefusal::Invalid)
    }
}
