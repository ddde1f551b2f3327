//! Redis goes away and comes back while requests come in.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse,
    test::{self, TestRequest},
    web::post,
};
use kernel::{SystemClock, TenantId};
use module::{CacheKey, SharedCache};
use redis_limits::{RedisCache, RedisConfig, RedisLimits};
use tokens::AccessClaims;
use web::{
    AccessRefusal, AccessVerifier, Edge,
    limits::{Guessable, LimitFigures, LimitRules, Limited, Limits, Quota, StoreState},
};

use super::{
    connect,
    server::{PATIENCE, Server},
};

struct Nobody;

#[async_trait::async_trait]
impl AccessVerifier for Nobody {
    async fn verify(&self, _: &str) -> Result<AccessClaims, AccessRefusal> {
        Err(AccessRefusal::Invalid)
    }
}

async fn guess(_within: Limited<Guessable>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// A replica, of which the test asks only whether it turns anybody away.
struct Replica(Edge);

impl Replica {
    /// One that waits for Redis as a program does.
    fn beside(server: &Server) -> Self {
        Self::waiting(server.config())
    }

    fn waiting(config: RedisConfig) -> Self {
        let quota = Quota::per_minute(100_000, 100_000).expect("within bounds");
        let rules = LimitRules { costly: quota, guessable: quota, token: quota, tenant: quota };
        let store = Arc::new(RedisLimits::new(connect(&config)));
        let limits = Arc::new(Limits::shared(rules, store, Arc::new(SystemClock)));
        Self(Edge { limits, ..Edge::new(Arc::new(Nobody)) })
    }

    async fn answers(&self, requests: usize) {
        let app = web::public_app(&self.0, |config| {
            config.map(|config| config.route("/guess", post().to(guess)));
        });
        let app = test::init_service(app).await;
        for n in 0..requests {
            let request = TestRequest::post().uri("/guess").to_request();
            let answer = test::call_service(&app, request).await;
            assert_eq!(answer.status(), 200, "request {n} was turned away");
            assert!(answer.headers().contains_key("ratelimit"), "it is limited all the same");
        }
    }

    fn figures(&self) -> LimitFigures {
        self.0.limits.figures()
    }

    /// Sends requests until the buckets are kept by `state`.
    async fn until(&self, state: StoreState) {
        let seen = async {
            while self.figures().store != state {
                self.answers(1).await;
            }
        };
        tokio::time::timeout(PATIENCE, seen).await.expect("it is noticed");
    }
}

#[actix_web::test]
async fn requests_go_on_while_redis_is_dead_and_it_is_used_when_it_is_back() {
    let mut server = Server::start().await;
    // A dead one is noticed at once; a live one may be slow on a busy machine.
    let replica = Replica::waiting(RedisConfig { patience: PATIENCE, ..server.config() });
    replica.answers(10).await;
    assert_eq!((replica.figures().store, replica.figures().fallbacks), (StoreState::Shared, 0));

    server.kill();
    replica.until(StoreState::Fallback).await;
    let begun = Instant::now();
    replica.answers(500).await;
    assert!(begun.elapsed() < PATIENCE / 2, "a dead Redis takes no request's time");
    let dead = replica.figures();
    assert!(dead.fallbacks >= 500, "{dead:?}");
    assert!(dead.store_errors < dead.fallbacks, "{dead:?}");

    server.start_again().await;
    replica.until(StoreState::Shared).await;
    let fallbacks = replica.figures().fallbacks;
    replica.answers(10).await;
    assert_eq!(replica.figures().fallbacks, fallbacks, "all were decided by Redis");
}

#[actix_web::test]
async fn requests_go_on_while_redis_hangs() {
    let server = Server::start().await;
    let replica = Replica::beside(&server);
    replica.until(StoreState::Shared).await;

    server.signal("STOP");
    let begun = Instant::now();
    replica.until(StoreState::Fallback).await;
    // Five waits of 50 ms until it is left alone.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    replica.answers(100).await;
    server.signal("CONT");
    replica.until(StoreState::Shared).await;
}

/// The program starts without it, too.
#[actix_web::test]
async fn redis_may_come_later() {
    let mut server = Server::start().await;
    server.kill();
    let replica = Replica::beside(&server);
    replica.until(StoreState::Fallback).await;
    server.start_again().await;
    replica.until(StoreState::Shared).await;
}

#[actix_web::test]
async fn a_cache_without_redis_knows_nothing_and_fails_nobody() {
    let mut server = Server::start().await;
    let cache = RedisCache::new(connect(&server.config()));
    let key = CacheKey::new("test.v1", TenantId(kernel::CallId::random().0), "a");
    let put = async || cache.put(&key, b"text".to_vec(), Duration::from_secs(60)).await;
    let known = async {
        while cache.get(&key).await.is_none() {
            put().await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.expect("it is kept");
    server.kill();
    for _ in 0..20 {
        put().await;
        assert_eq!(cache.get(&key).await, None);
    }
    server.start_again().await;
    let known = async {
        while cache.get(&key).await.is_none() {
            put().await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.expect("it is kept again");
}
