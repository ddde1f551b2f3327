//! A port over real HTTP: a listener on a free port of this machine, signed tokens, pooled
//! connections.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
};

use actix_web::HttpServer;
use kernel::SystemClock;
use remote::{HttpClient, HttpTransport, Remote};
use seam::{Dispatch, ServedPort, Transport};
use tokens::{HopSigner, HopVerifier, SigningKey, TrustStore};
use tokio::runtime::Handle;

/// The program that calls, as its token names it.
const CALLER: &str = "caller";

/// Serves `dispatch` as `service` for as long as the test's runtime lives, and leads there.
///
/// # Panics
/// Outside of a runtime, or where no port is to be had.
pub(crate) fn serve(service: &str, dispatch: Arc<dyn Dispatch>) -> Arc<dyn Transport> {
    let key = Arc::new(SigningKey::generate().expect("a key"));
    let trust = TrustStore::fixed([(CALLER, key.public_jwk())]).expect("a trust store");
    let verifier = HopVerifier::new(trust, Arc::new(SystemClock));
    let ports = vec![ServedPort { service: service.to_owned(), dispatch }];
    let routes = web::internal::ports(ports, verifier);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = HttpServer::new(move || web::internal_app(routes.clone()))
        .workers(1)
        .disable_signals()
        .h1_allow_half_closed(web::HALF_CLOSED)
        .listen(listener)
        .expect("a listener");
    tokio::spawn(server.run());

    let client = HttpClient::new(Handle::current()).expect("a client");
    let signer = Arc::new(HopSigner::new(key, CALLER, Arc::new(SystemClock)));
    let remote = Remote { service: service.to_owned(), urls: vec![url] };
    Arc::new(HttpTransport::new(remote, client, signer).expect("a transport"))
}
