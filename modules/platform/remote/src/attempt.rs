use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use reqwest::{Request, StatusCode};
use seam::{CallFailure, Reply, Timing, headers};
use tokio::{
    runtime::Handle,
    task::{JoinError, JoinHandle},
};

use crate::answer::{self, Answer};

/// How one sending of a call ended.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) reply: Reply,
    pub(crate) health: Health,
    pub(crate) next: Next,
    /// How long the callee took, where it told.
    pub(crate) callee: Option<Timing>,
}

/// What the attempt says about the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It answered, whatever it said.
    Answered,
    /// It could not be reached, or broke the connection.
    Broken,
}

/// Whether this layer may send the call again. It repeats what went wrong on its own hop; the
/// callee has repeated what went wrong on the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Settled,
    Repeat,
}

/// What came of a request.
enum Outcome {
    Answer(StatusCode, Option<String>, Option<Timing>, Bytes),
    /// Nothing was sent.
    Unconnected(reqwest::Error),
    /// Something may have been sent, and no whole answer came back.
    Broken(reqwest::Error),
}

impl Attempt {
    /// No replica may be sent to.
    pub(crate) fn refused_by_breakers(service: &str) -> Self {
        Self::settled(Reply::Failed(CallFailure::unavailable(service)))
    }

    /// Sends `request` on `runtime`; the request ends with this future.
    pub(crate) async fn send(
        runtime: &Handle,
        connections: &reqwest::Client,
        request: Request,
        target: &answer::Target<'_>,
    ) -> Self {
        let exchange = exchange(connections.clone(), request);
        // The pool's connections belong to the runtime that opened them, so a caller on another
        // one, such as a web worker's, hands its request over.
        let is_here = Handle::try_current().is_ok_and(|here| here.id() == runtime.id());
        let outcome = if is_here {
            Ok(exchange.await)
        } else {
            AbortOnDrop::new(runtime.spawn(exchange)).await
        };
        match outcome {
            Ok(Outcome::Answer(status, outcome, callee, body)) => {
                let answer = Answer { status, outcome: outcome.as_deref(), body };
                Self { callee, ..answer::read(target, answer) }
            }
            Ok(Outcome::Unconnected(error)) => {
                log(target, &error);
                Self::broken(CallFailure::unavailable(target.service))
            }
            Ok(Outcome::Broken(error)) => {
                log(target, &error);
                Self::broken(CallFailure::outcome_unknown(target.service))
            }
            Err(error) => {
                log(target, &error);
                Self::broken(CallFailure::outcome_unknown(target.service))
            }
        }
    }

    pub(crate) fn broken(failure: CallFailure) -> Self {
        let reply = Reply::Failed(failure);
        Self { health: Health::Broken, next: Next::Repeat, ..Self::settled(reply) }
    }

    pub(crate) fn settled(reply: Reply) -> Self {
        Self { reply, health: Health::Answered, next: Next::Settled, callee: None }
    }
}

async fn exchange(connections: reqwest::Client, request: Request) -> Outcome {
    let response = match connections.execute(request).await {
        Ok(response) => response,
        Err(error) if error.is_connect() => return Outcome::Unconnected(error),
        Err(error) => return Outcome::Broken(error),
    };
    let status = response.status();
    let outcome = response.headers().get(headers::OUTCOME);
    let outcome = outcome.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let timings = response.headers().get_all(headers::SERVER_TIMING).iter();
    let callee = Timing::from_server_timing(timings.filter_map(|value| value.to_str().ok()));
    match response.bytes().await {
        Ok(body) => Outcome::Answer(status, outcome, callee, body),
        Err(error) => Outcome::Broken(error),
    }
}

/// The failure that the caller gets holds no source, so the cause is told here.
fn log(target: &answer::Target<'_>, error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(
        error,
        peer.service = target.service,
        rpc.service = target.method.port,
        rpc.method = target.method.name,
        "a call got no answer"
    );
}

/// A task that ends with whoever waits for it: a caller that goes away takes its request along.
#[derive(Debug)]
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> AbortOnDrop<T> {
    /// Ties `task` to the value.
    #[must_use]
    const fn new(task: JoinHandle<T>) -> Self {
        Self(task)
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
