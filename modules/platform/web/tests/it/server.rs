//! What only a real server with real connections shows.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use actix_web::{HttpResponse, HttpServer, dev::ServerHandle, web as actix};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use utoipa_actix_web::service_config::ServiceConfig;
use web::{Edge, HALF_CLOSED, Visitor};

use crate::support::{PATIENCE, edge, routes};

/// A server on a port of its own, stopped when the test ends.
struct Server {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Server {
    fn start(edge: Edge, more: impl Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static) -> Self {
        let server = HttpServer::new(move || {
            let more = more.clone();
            web::public_app(&edge, move |config| {
                routes(config);
                more(config);
            })
        })
        .h1_allow_half_closed(HALF_CLOSED)
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
        let address = *server.addrs().first().expect("an address");
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { address, handle }
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
    let server = Server::start(edge(), |_| {});
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
    let server = Server::start(edge(), |_| {});
    let answer = server.exchange(&request("HEAD", "/v1/trouble/visit")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").expect("the end of the head");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(body, "");
}

#[actix_web::test]
async fn a_body_without_a_length_is_bounded_too() {
    let server = Server::start(Edge { body_limit: 1_000, ..edge() }, |_| {});
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
    let events = Arc::new(events);
    let patient = Edge { request_time: PATIENCE * 10, ..edge() };
    let server = Server::start(patient, move |config| {
        let events = Arc::clone(&events);
        let wait = move |_: Visitor| {
            let events = Arc::clone(&events);
            async move {
                let _witness = Witness::new(&events);
                std::future::pending::<HttpResponse>().await
            }
        };
        config.route("/wait", actix::get().to(wait));
    });
    let client = server.connect(&request("GET", "/wait").replace("close", "keep-alive"));
    assert_eq!(next(&mut seen).await, "begun");
    drop(client);
    assert_eq!(next(&mut seen).await, "dropped");
}
