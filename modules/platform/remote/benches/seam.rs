//! What the seam costs: a direct call beside a bare trait call, and a call over HTTP beside one
//! that is written by hand against the same handler with the same authentication.
//!
//! No subscriber is installed. Compare within one run.

use std::{
    hint::black_box,
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::HttpServer;
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::{FutureExt, future::LocalBoxFuture};
use kernel::{CallContext, CallId, Principal, Role, SystemClock, TenantId, UserId};
use remote::{HttpClient, HttpTransport, Remote};
use seam::{CallFailure, Meter, Port, PortError, ServedPort, Slot, port};
use serde::{Deserialize, Serialize};
use tokens::{HopSigner, HopVerifier, SigningKey, TrustStore};
use tokio::runtime::{Builder, Runtime};
use utoipa::ToSchema;
use uuid::Uuid;

#[port(service = "seats", version = 1)]
trait SeatsApi {
    #[call(read)]
    async fn count(&self, ctx: &CallContext, request: Request) -> Result<Seats, SeatsError>;
}

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
struct Request {
    at_least: u32,
}

#[derive(Serialize, Deserialize, ToSchema)]
struct Seats {
    used: u32,
    limit: u32,
}

#[derive(Debug, Serialize, Deserialize, thiserror::Error, PortError, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum SeatsError {
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

struct InMemory;

#[seam::async_trait]
impl SeatsApi for InMemory {
    async fn count(&self, _: &CallContext, request: Request) -> Result<Seats, SeatsError> {
        Ok(Seats { used: request.at_least, limit: 10 })
    }
}

const REQUEST: Request = Request { at_least: 3 };

fn context() -> CallContext {
    let principal = Principal::User {
        user: UserId(Uuid::from_u128(1)),
        tenant: TenantId(Uuid::from_u128(2)),
        role: Role::Member,
    };
    CallContext::new(principal, CallId(Uuid::from_u128(3)), Duration::from_secs(30))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A direct call may cost a microsecond more than the call itself.
fn in_process(criterion: &mut Criterion) {
    let runtime = runtime();
    let bare: Arc<dyn SeatsApi> = Arc::new(InMemory);
    // As programs have it: every call is counted.
    let counters = Meter::new().direct("caller", "seats", <dyn SeatsApi>::descriptor());
    let direct = <dyn SeatsApi>::direct_counted(Slot::filled(Arc::clone(&bare)), counters);
    let mut group = criterion.benchmark_group("in process");
    for (name, client) in [("bare trait", bare), ("direct client", direct)] {
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter_batched(
                context,
                async |context| black_box(client.count(&context, black_box(REQUEST)).await),
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Serves the port on its own threads, until the process ends; returns its base URL.
fn serve(key: &SigningKey) -> String {
    let trust = TrustStore::fixed([("caller", key.public_jwk())]).expect("trust");
    let verifier = HopVerifier::new(trust, Arc::new(SystemClock));
    let dispatch = <dyn SeatsApi>::server(Slot::filled(Arc::new(InMemory)));
    let served = vec![ServedPort { service: "seats".to_owned(), dispatch }];
    let routes = web::internal::ports(served, verifier);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let server = HttpServer::new(move || web::internal_app(routes.clone()))
            .workers(1)
            .disable_signals()
            .h1_allow_half_closed(web::HALF_CLOSED)
            .listen(listener)
            .expect("a listener")
            .run();
        actix_web::rt::System::new().block_on(server)
    });
    url
}

/// A way to make the call, and its name.
type Contender<'a> = (&'static str, Box<dyn Fn() -> LocalBoxFuture<'a, ()> + 'a>);

/// A call over HTTP may cost 15 % more than one that is written by hand.
fn over_http(criterion: &mut Criterion) {
    let key = Arc::new(SigningKey::generate().expect("a key"));
    let base = serve(&key);
    let signer = Arc::new(HopSigner::new(key, "caller", Arc::new(SystemClock)));
    let client = |runtime: &Runtime| {
        let remote = Remote { service: "seats".to_owned(), urls: vec![base.clone()] };
        let http = HttpClient::new(runtime.handle().clone()).expect("a client");
        let transport = HttpTransport::new(remote, http, Arc::clone(&signer)).expect("a transport");
        let counters = Meter::new().over("http", "caller", "seats", <dyn SeatsApi>::descriptor());
        <dyn SeatsApi>::remote_counted(Arc::new(transport), counters)
    };
    let main = runtime();
    let other = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("built");
    // Made first: they also choose the TLS provider, which a client by hand asks for.
    let (here, there) = (client(&main), client(&other));
    let url = format!("{base}/internal/seats/SeatsApi/v1/count");
    let by_hand = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().expect("built");

    let contenders: [Contender<'_>; 3] = [
        ("reqwest by hand", Box::new(|| count_by_hand(&by_hand, &url, &signer).boxed_local())),
        ("HTTP client", Box::new(|| count(&*here).boxed_local())),
        // As from a web worker: the request crosses to the main runtime and back.
        ("HTTP client from a worker", Box::new(|| count(&*there).boxed_local())),
    ];
    let mut group = criterion.benchmark_group("over HTTP");
    for (name, call) in &contenders {
        group.bench_function(*name, |bencher| bencher.to_async(&main).iter(call));
    }
    group.finish();
    take_turns(&main, &contenders);
}

async fn count(client: &dyn SeatsApi) {
    black_box(client.count(&context(), REQUEST).await.expect("seats"));
}

async fn count_by_hand(client: &reqwest::Client, url: &str, signer: &HopSigner) {
    let token = signer.token_for(context().principal(), "seats").expect("signed");
    let response = client
        .post(url)
        .bearer_auth(token)
        .header("x-call-id", "00000000-0000-0000-0000-000000000003")
        .header("x-call-key", "00000000-0000-0000-0000-000000000003/SeatsApi.count/1")
        .header("x-remaining-ms", "30000")
        .json(&REQUEST)
        .timeout(Duration::from_secs(30))
        .send()
        .await
        .expect("sent");
    assert!(response.status().is_success());
    black_box(response.json::<Seats>().await.expect("seats"));
}

/// Prints what each way costs beside the first. They take turns, so that what else the machine
/// does falls on all alike: trust these ratios more than those of the times above.
#[expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
fn take_turns(runtime: &Runtime, contenders: &[Contender<'_>]) {
    const ROUNDS: usize = 150;
    const CALLS: u32 = 200;
    let mut ratios = vec![Vec::new(); contenders.len()];
    for round in 0..ROUNDS {
        let mut took = vec![0.0; contenders.len()];
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let start = Instant::now();
            runtime.block_on(async {
                for _ in 0..CALLS {
                    contenders[index].1().await;
                }
            });
            took[index] = start.elapsed().as_secs_f64();
        }
        for (ratios, took_this) in ratios.iter_mut().zip(&took) {
            ratios.push(took_this / took[0]);
        }
    }
    for ((name, _), ratios) in contenders.iter().zip(&mut ratios) {
        ratios.sort_by(f64::total_cmp);
        println!("taking turns: {name}: {:.3}", ratios[ROUNDS / 2]);
    }
}

criterion_group!(benches, in_process, over_http);
criterion_main!(benches);
