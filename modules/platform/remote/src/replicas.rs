use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Url;
use seam::{
    MethodDescriptor,
    resilience::{Breaker, Permit},
};

use crate::{HttpClient, Remote, RemoteError, metrics, request, transport};

/// The places where a service runs, each with a breaker of its own.
#[derive(Debug)]
pub struct Replicas {
    replicas: Vec<Replica>,
    next: AtomicUsize,
}

/// One of the places where a service runs.
#[derive(Debug)]
pub struct Replica {
    base: Url,
    pub(crate) connections: reqwest::Client,
    breaker: Arc<Breaker>,
    /// Of the methods that were called, by port, version and name; to put one together costs more
    /// than all the rest of a request.
    urls: RwLock<HashMap<(&'static str, u32, &'static str), Url>>,
}

impl Replicas {
    /// The places that `remote` names, reached over `client`.
    ///
    /// # Errors
    /// `remote` has no URL, or one that is not an `http` or `https` URL with a host.
    pub fn of(remote: Remote, client: &HttpClient) -> Result<Self, RemoteError> {
        let Remote { service, urls } = remote;
        if urls.is_empty() {
            return Err(RemoteError::NoUrl { service });
        }
        let replicas = urls
            .into_iter()
            .map(|url| {
                let parsed = transport::parse(&service, url)?;
                let connections = client.connections(parsed.scheme())?;
                Ok((parsed, connections))
            })
            .collect::<Result<Vec<_>, RemoteError>>()?;
        let replicas = Self::new(replicas);
        for replica in &replicas.replicas {
            metrics::tell(&service, &replica.base, &replica.breaker);
        }
        Ok(replicas)
    }

    pub(crate) fn new(replicas: impl IntoIterator<Item = (Url, reqwest::Client)>) -> Self {
        let replicas = replicas
            .into_iter()
            .map(|(base, connections)| Replica {
                base,
                connections,
                breaker: Arc::default(),
                urls: RwLock::default(),
            })
            .collect();
        Self { replicas, next: AtomicUsize::new(0) }
    }

    /// The next one in turn that may be sent to; one whose breaker is open is passed over, save
    /// for a probe now and then. `None` where all are open.
    pub(crate) fn choose(&self, now: Instant) -> Option<&Replica> {
        self.in_turn(now).next()
    }

    /// Each one that may be sent to, once, from the next in turn on: for a caller that goes on to
    /// another as long as nothing was sent. Whoever is taken from here must be reported of with
    /// [`Replica::pending`].
    pub fn in_turn(&self, now: Instant) -> impl Iterator<Item = &Replica> {
        let count = self.replicas.len();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        (0..count)
            .map(move |offset| &self.replicas[first.wrapping_add(offset) % count])
            .filter(move |replica| replica.breaker.permit(now) == Permit::Send)
    }
}

impl Replica {
    /// Where it serves `method` of `service`, which is always the same one.
    pub(crate) fn call_url(&self, service: &str, method: &'static MethodDescriptor) -> Url {
        let key = (method.port, method.version, method.name);
        let known = self.urls.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let url = request::url(&self.base, service, method);
            let mut urls = self.urls.write().unwrap_or_else(PoisonError::into_inner);
            urls.entry(key).or_insert(url).clone()
        })
    }

    /// Where it is.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.base
    }

    /// The pool that leads there.
    #[must_use]
    pub const fn connections(&self) -> &reqwest::Client {
        &self.connections
    }

    /// To be told how the attempt went.
    #[must_use]
    pub fn pending(&self) -> Pending<'_> {
        Pending { breaker: &self.breaker, reported: false, patience: None }
    }

    /// To be told how the attempt went, which the caller will wait for until `deadline`: one that
    /// is dropped then has had no answer.
    #[must_use]
    pub fn pending_until(&self, deadline: Instant) -> Pending<'_> {
        let patience = Some(Patience { since: Instant::now(), deadline });
        Pending { patience, ..self.pending() }
    }
}

/// How long a replica must have said nothing at the least, for that to count against it: a caller
/// in a greater hurry gives it no chance.
const SILENCE: Duration = Duration::from_millis(500);

/// An attempt whose end the breaker waits for.
#[derive(Debug)]
pub struct Pending<'a> {
    breaker: &'a Breaker,
    reported: bool,
    patience: Option<Patience>,
}

#[derive(Clone, Copy, Debug)]
struct Patience {
    since: Instant,
    deadline: Instant,
}

impl Patience {
    /// Whether the time is up, and was long enough to expect an answer in it.
    fn is_exhausted(self, now: Instant) -> bool {
        now >= self.deadline && now.saturating_duration_since(self.since) >= SILENCE
    }
}

impl Pending<'_> {
    /// The replica answered, whatever it said.
    pub fn succeeded(mut self) {
        self.reported = true;
        self.breaker.succeeded();
    }

    /// The replica could not be reached, or broke the connection.
    pub fn failed(mut self) {
        self.reported = true;
        self.breaker.failed(Instant::now());
    }
}

impl Drop for Pending<'_> {
    /// The caller has gone, or its time is up. That somebody has gone says nothing against a
    /// replica in good health, but a probe must not stay out for ever; that nothing was heard
    /// until the time was up does, so that a replica which takes calls and never answers is left
    /// out.
    fn drop(&mut self) {
        if self.reported {
            return;
        }
        let now = Instant::now();
        let silent = self.patience.is_some_and(|patience| patience.is_exhausted(now));
        if silent || !self.breaker.is_closed() {
            self.breaker.failed(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replicas(count: u16) -> Replicas {
        Replicas::new(
            (0..count)
                .map(|index| {
                    let url = format!("http://127.0.0.1:{}", 9000 + index);
                    (Url::parse(&url).expect("a URL"), reqwest::Client::builder())
                })
                .map(|(url, builder)| {
                    let _ = rustls::crypto::ring::default_provider().install_default();
                    (url, builder.tls_certs_only([]).build().expect("a client"))
                }),
        )
    }

    fn ports(replicas: &Replicas, now: Instant, times: usize) -> Vec<Option<u16>> {
        (0..times).map(|_| replicas.choose(now).and_then(|replica| replica.base.port())).collect()
    }

    #[test]
    fn replicas_take_turns_and_a_broken_one_is_left_out() {
        let (replicas, now) = (replicas(3), Instant::now());
        assert_eq!(ports(&replicas, now, 4), [9000, 9001, 9002, 9000].map(Some));
        for _ in 0..Breaker::THRESHOLD {
            replicas.replicas[1].pending().failed();
        }
        assert!(!ports(&replicas, now, 9).contains(&Some(9001)));
    }

    #[test]
    fn a_probe_goes_out_once_and_its_end_is_always_reported() {
        let replicas = replicas(1);
        for _ in 0..Breaker::THRESHOLD {
            replicas.replicas[0].pending().failed();
        }
        let later = Instant::now() + Breaker::LONGEST;
        assert_eq!(ports(&replicas, later, 2), [Some(9000), None]);
        // The probe's caller goes away: the breaker opens again, and is due again.
        drop(replicas.replicas[0].pending());
        let later = Instant::now() + Breaker::LONGEST;
        let probe = replicas.choose(later).expect("another probe");
        probe.pending().succeeded();
        assert_eq!(ports(&replicas, later, 2), [Some(9000); 2]);
    }

    #[test]
    fn silence_counts_once_the_time_is_up_and_was_long_enough() {
        let start = Instant::now();
        let (short, long) = (SILENCE / 2, SILENCE * 2);
        let exhausted = |allowed, waited| {
            let patience = Patience { since: start, deadline: start + allowed };
            patience.is_exhausted(start + waited)
        };
        assert!(exhausted(long, long));
        assert!(!exhausted(long, SILENCE), "the caller has gone before its time was up");
        assert!(!exhausted(short, short), "the caller was in a hurry");
    }

    #[test]
    fn a_caller_that_goes_away_says_nothing_against_a_replica_in_good_health() {
        let (replicas, now) = (replicas(1), Instant::now());
        for _ in 0..Breaker::THRESHOLD * 2 {
            drop(replicas.choose(now).expect("closed").pending());
        }
        assert!(replicas.choose(now).is_some());
    }
}
