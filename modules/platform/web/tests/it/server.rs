//! What only a real server with real connections shows.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use actix_web::{HttpResponse, HttpServer, dev::ServerHandle, web as actix};
use kernel::CallContext;
use seam::{Dispatch, Handled, PortDescriptor, ServedPort, async_trait};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use utoipa_actix_web::service_config::ServiceConfig;
use web::{Edge, HALF_CLOSED, Visitor};

use crate::{
    ports::Wire,
    support::{PATIENCE, edge, routes},
};

/// A server on a port of its own, stopped when the test ends.
struct Server {
    address: SocketAddr,
    handle: ServerHandle,
}

/// Serves the application that `$app` makes. A macro, since its type cannot be written down.
macro_rules! serve {
    ($app:expr) => {{
        let server = HttpServer::new($app)
            .h1_allow_half_closed(HALF_CLOSED)
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .expect("a free port");
        let address = *server.addrs().first().expect("an address");
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Server { address, handle }
    }};
}

impl Server {
    fn start(edge: Edge) -> Self {
        serve!(move || web::public_app(&edge, routes))
    }

    fn connect(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(request.as_bytes()).expect("the server reads");
        stream
    }

    /// All that comes back until the server closes the connection.
    async fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect(request);
        let read = actix::block(move || {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        });
        read.await.expect("a thread").expect("the server answers in time")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The stop is asked for at once; there is nobody to wait for it.
        drop(self.handle.stop(false));
    }
}

fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

#[actix_web::test]
async fn a_worker_survives_a_panic_and_says_so() {
    let server = Server::start(edge());
    for _ in 0..3 {
        let answer = server.exchange(&request("GET", "/v1/trouble/panics")).await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(answer.contains("content-type: application/problem+json"), "{answer}");
        assert!(answer.contains(r#""trace_id":""#), "{answer}");
        assert!(answer.contains("x-frame-options: DENY"), "{answer}");
        assert!(!answer.contains("recipe"), "{answer}");
    }
    let answer = server.exchange(&request("GET", "/v1/trouble/visit")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[actix_web::test]
async fn head_is_get_without_the_body() {
    let server = Server::start(edge());
    let answer = server.exchange(&request("HEAD", "/v1/trouble/visit")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").expect("the end of the head");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(body, "");
}

#[actix_web::test]
async fn a_body_without_a_length_is_bounded_too() {
    let server = Server::start(Edge { body_limit: 1_000, ..edge() });
    let chunk = format!("200\r\n{}\r\n", "x".repeat(0x200));
    let answer = server
        .exchange(&format!(
            "POST /v1/parts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
            chunk.repeat(4)
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("urn:ashlar:problem:body-too-large"), "{answer}");
}

/// Tells when a handler begins and when it is dropped.
struct Witness(UnboundedSender<&'static str>);

impl Witness {
    fn new(events: &UnboundedSender<&'static str>) -> Self {
        events.send("begun").expect("the test listens");
        Self(events.clone())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.send("dropped").expect("the test listens");
    }
}

async fn next(events: &mut UnboundedReceiver<&'static str>) -> &'static str {
    let event = tokio::time::timeout(PATIENCE, events.recv());
    event.await.expect("it happens in time").expect("the handler tells")
}

#[actix_web::test]
async fn a_client_that_goes_away_cancels_its_handler() {
    let (events, mut seen) = unbounded_channel();
    let edge = Edge { request_time: PATIENCE * 10, ..edge() };
    let server = serve!(move || {
        let events = events.clone();
        let wait = move |_: Visitor| {
            let witness = Witness::new(&events);
            async move {
                let _witness = witness;
                std::future::pending::<HttpResponse>().await
            }
        };
        web::public_app(&edge, move |config: &mut ServiceConfig<'_>| {
            config.route("/wait", actix::get().to(wait));
        })
    });
    let client = server.connect(&request("GET", "/wait").replace("close", "keep-alive"));
    assert_eq!(next(&mut seen).await, "begun");
    drop(client);
    assert_eq!(next(&mut seen).await, "dropped");
}

/// Serves a port whose only method never returns.
struct Endless(UnboundedSender<&'static str>);

#[async_trait]
impl Dispatch for Endless {
    fn port(&self) -> &'static PortDescriptor {
        static PORT: PortDescriptor =
            PortDescriptor { service: "echo", name: "Endless", version: 1, methods: &[] };
        &PORT
    }

    async fn dispatch(&self, _: &CallContext, _: &str, _: &[u8]) -> Handled {
        let _witness = Witness::new(&self.0);
        std::future::pending().await
    }
}

#[actix_web::test]
async fn a_caller_that_goes_away_cancels_its_call() {
    let (events, mut seen) = unbounded_channel();
    let wire = Wire::new();
    let verifier = Arc::new(wire.verifier());
    let server = serve!(move || {
        let dispatch: Arc<dyn Dispatch> = Arc::new(Endless(events.clone()));
        let served = vec![ServedPort { service: "echo".to_owned(), dispatch }];
        web::internal_app(web::internal::ports(served, Arc::clone(&verifier)))
    });
    let mut call = String::from(
        "POST /internal/echo/Endless/v1/wait HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n",
    );
    for (name, value) in wire.headers(PATIENCE * 10) {
        call.push_str(&format!("{name}: {value}\r\n"));
    }
    let caller = server.connect(&format!("{call}\r\n"));
    assert_eq!(next(&mut seen).await, "begun");
    drop(caller);
    assert_eq!(next(&mut seen).await, "dropped");
}
