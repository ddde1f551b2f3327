//! Limits as clients meet them, and what becomes of them when the shared store is down.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use actix_web::test::TestRequest;
use insta::assert_json_snapshot;
use kernel::{ManualClock, SystemClock};
use seam::{async_trait, resilience::Breaker};
use web::{
    Edge,
    limits::{
        Decision, InProcessLimits, LimitRules, Limits, Quota, RateLimitStore, StoreState,
        StoreUnreachable, TrustedProxies, testing::rate_limit_contract,
    },
};

use crate::support::{Answer, edge, post_json, send_to};

fn quota(burst: u32, rate: u32) -> Quota {
    Quota::per_minute(burst, rate).expect("within bounds")
}

/// Two guesses from an address and three requests of a tenant, one a minute.
fn rules() -> LimitRules {
    LimitRules {
        costly: quota(1, 1),
        guessable: quota(2, 1),
        token: quota(1, 1),
        tenant: quota(3, 1),
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(kernel::Clock::now(&SystemClock)))
}

fn limited_edge() -> Edge {
    Edge { limits: Arc::new(Limits::in_process(rules(), clock())), ..edge() }
}

fn guess_from(peer: &str) -> TestRequest {
    let peer: std::net::IpAddr = peer.parse().expect("an address");
    post_json("/v1/trouble/guess", "1").peer_addr((peer, 4_711).into())
}

async fn whoami(edge: &Edge) -> Answer {
    let request = TestRequest::get().uri("/v1/trouble/whoami");
    send_to(edge, request.insert_header(("authorization", "Bearer member"))).await
}

#[tokio::test]
async fn the_store_in_the_process_keeps_the_contract() {
    let clock = clock();
    let store = Arc::new(InProcessLimits::new(Arc::clone(&clock) as _));
    rate_limit_contract(store, &clock).await;
}

#[actix_web::test]
async fn who_guesses_too_often_is_told_to_wait() {
    let edge = limited_edge();
    for left in ["1", "0"] {
        let answer = send_to(&edge, guess_from("203.0.113.9")).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        assert_eq!(answer.header("ratelimit-policy"), Some("\"guessable\";q=2;w=120"));
        let limit = answer.header("ratelimit").expect("it is told");
        assert!(limit.starts_with(&format!("\"guessable\";r={left};t=")), "{limit}");
    }
    let refused = send_to(&edge, guess_from("203.0.113.9")).await;
    assert_json_snapshot!(refused);
    // Another client is not concerned, and neither are other classes.
    assert_eq!(send_to(&edge, guess_from("203.0.113.10")).await.status, 200);
    assert_eq!(whoami(&edge).await.status, 200);
}

#[actix_web::test]
async fn a_tenant_is_limited_over_all_of_its_routes() {
    let edge = limited_edge();
    for left in ["2", "1", "0"] {
        let answer = whoami(&edge).await;
        let limit = answer.header("ratelimit").expect("it is told");
        assert!(limit.starts_with(&format!("\"tenant\";r={left};t=")), "{limit}");
    }
    let refused = whoami(&edge).await;
    assert_eq!((refused.status, refused.slug()), (429, "rate-limited"), "{refused:#?}");
    assert_eq!(refused.header("retry-after"), Some("60"));
    // Who has no token is told that first, and takes nothing from the tenant.
    let stranger = TestRequest::get().uri("/v1/trouble/whoami");
    assert_eq!(send_to(&edge, stranger).await.status, 401);
}

#[actix_web::test]
async fn without_limits_nothing_is_said() {
    for _ in 0..10 {
        let answer = send_to(&edge(), guess_from("203.0.113.9")).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
    }
}

#[actix_web::test]
async fn clients_behind_a_trusted_proxy_are_told_apart() {
    let proxies = TrustedProxies::new(1, vec!["10.0.0.0/8".parse().expect("a network")]);
    let edge = Edge { proxies, ..limited_edge() };
    let behind = |client: &str| guess_from("10.0.0.7").insert_header(("x-forwarded-for", client));
    for _ in 0..2 {
        assert_eq!(send_to(&edge, behind("203.0.113.9")).await.status, 200);
    }
    assert_eq!(send_to(&edge, behind("203.0.113.9")).await.status, 429);
    assert_eq!(send_to(&edge, behind("198.51.100.1, 203.0.113.9")).await.status, 429);
    assert_eq!(send_to(&edge, behind("203.0.113.10")).await.status, 200);
}

/// A shared store that can be cut off.
struct Shared {
    store: InProcessLimits,
    cut: AtomicBool,
    asked: AtomicU64,
}

impl Shared {
    fn new() -> Arc<Self> {
        let store = InProcessLimits::new(clock());
        Arc::new(Self { store, cut: AtomicBool::new(false), asked: AtomicU64::new(0) })
    }
}

#[async_trait]
impl RateLimitStore for Shared {
    async fn take(&self, key: &str, quota: Quota) -> Result<Decision, StoreUnreachable> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.cut.load(Ordering::SeqCst) {
            return Err(StoreUnreachable::new("cut off"));
        }
        Ok(self.store.take_now(key, quota))
    }
}

fn sharing(store: &Arc<Shared>) -> Edge {
    let limits = Limits::shared(rules(), Arc::clone(store) as _, clock());
    Edge { limits: Arc::new(limits), ..edge() }
}

#[actix_web::test]
async fn replicas_count_together() {
    let store = Shared::new();
    let (one, other) = (sharing(&store), sharing(&store));
    assert_eq!(send_to(&one, guess_from("203.0.113.9")).await.status, 200);
    assert_eq!(send_to(&other, guess_from("203.0.113.9")).await.status, 200);
    for replica in [one, other] {
        assert_eq!(send_to(&replica, guess_from("203.0.113.9")).await.status, 429);
        assert_eq!(replica.limits.figures().store, StoreState::Shared);
    }
}

#[actix_web::test]
async fn a_store_that_is_down_turns_nobody_away_and_is_left_alone() {
    let store = Shared::new();
    let edge = sharing(&store);
    store.cut.store(true, Ordering::SeqCst);
    for n in 0..20 {
        assert_eq!(send_to(&edge, guess_from(&format!("203.0.113.{n}"))).await.status, 200);
    }
    // The limits hold all the same.
    for status in [200, 429] {
        assert_eq!(send_to(&edge, guess_from("203.0.113.0")).await.status, status);
    }
    let figures = edge.limits.figures();
    assert_eq!((figures.store, figures.fallbacks), (StoreState::Fallback, 22));
    assert_eq!(figures.store_errors, store.asked.load(Ordering::SeqCst));
    assert!(figures.store_errors < 22, "{figures:?}");
    let guessable = figures.classes["guessable"];
    assert_eq!((guessable.decisions, guessable.limited), (22, 1));
}

#[actix_web::test]
async fn one_failure_is_no_outage_and_an_outage_ends() {
    let store = Shared::new();
    let edge = sharing(&store);
    store.cut.store(true, Ordering::SeqCst);
    assert_eq!(send_to(&edge, guess_from("203.0.113.1")).await.status, 200);
    assert_eq!(edge.limits.figures().store, StoreState::Shared);
    for _ in 1..Breaker::THRESHOLD {
        send_to(&edge, guess_from("203.0.113.2")).await;
    }
    assert_eq!(edge.limits.figures().store, StoreState::Fallback);

    store.cut.store(false, Ordering::SeqCst);
    // Asked again once the breaker's first pause is over.
    let healed = async {
        while edge.limits.figures().store == StoreState::Fallback {
            send_to(&edge, guess_from("203.0.113.3")).await;
            actix_web::rt::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, healed).await.expect("it is used again");
    assert_eq!(edge.limits.figures().store, StoreState::Shared);
}
