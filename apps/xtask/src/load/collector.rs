//! A collector that counts what it is handed and keeps nothing.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Result, ensure};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle, task::JoinSet};

/// Takes OTLP over HTTP on loopback until it is dropped.
#[derive(Debug)]
pub(super) struct Collector {
    address: SocketAddr,
    taken: Arc<Taken>,
    task: JoinHandle<()>,
}

/// Bytes so far.
#[derive(Debug, Default)]
struct Taken {
    traces: AtomicU64,
    metrics: AtomicU64,
}

impl Collector {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let taken = Arc::new(Taken::default());
        let task = tokio::spawn(serve(listener, Arc::clone(&taken)));
        Ok(Self { address, taken, task })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// # Errors
    /// Nobody sent traces, or metrics: what was measured as telemetry was none.
    pub(super) fn has_taken_both(&self) -> Result<()> {
        let Taken { traces, metrics } = &*self.taken;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ensure!(of(traces) > 0, "no traces came to the collector");
        ensure!(of(metrics) > 0, "no metrics came to the collector");
        Ok(())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, taken: Arc<Taken>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                let taken = Arc::clone(&taken);
                let answer = service_fn(move |request| take(request, Arc::clone(&taken)));
                // Who goes in the middle of a request has stopped.
                let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                connections.spawn(serving);
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn take(
    request: Request<Incoming>,
    taken: Arc<Taken>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let counter = match request.uri().path() {
        "/v1/traces" => Some(&taken.traces),
        "/v1/metrics" => Some(&taken.metrics),
        _ => None,
    };
    // What does not come whole was not sent.
    let size = request.into_body().collect().await.map_or(0, |body| body.to_bytes().len());
    if let Some(counter) = counter {
        counter.fetch_add(u64::try_from(size).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
    Ok(Response::new(Empty::new()))
}

#[cfg(test)]
mod tests {
    use loadtest::client::{Client, Request};

    use super::*;

    #[tokio::test]
    async fn what_came_is_known_by_its_kind() {
        let collector = Collector::start().await.expect("a free port");
        let client = Client::new(&collector.url(), std::time::Duration::from_secs(5));
        let client = client.expect("an address");
        let hand = async |what| client.send(&Request::to(what).raw("spans")).await.outcome;
        hand("POST /v1/traces").await.map_err(|it| it.name().to_owned()).expect("it is taken");
        let lacking = collector.has_taken_both().expect_err("there are no metrics");
        assert_eq!(lacking.to_string(), "no metrics came to the collector");
        hand("POST /v1/metrics").await.map_err(|it| it.name().to_owned()).expect("it is taken");
        collector.has_taken_both().expect("both have come");
    }
}
