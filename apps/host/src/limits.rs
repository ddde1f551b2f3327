//! What is counted and kept for all replicas together, where they share a Redis.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, web::Data};
use anyhow::Context as _;
use kernel::Clock;
use module::{InProcessCache, SharedCache};
use redis_limits::{Redis, RedisCache, RedisConfig, RedisLimits};
use tokio::runtime::Handle;
use web::{
    Problem,
    limits::{Limits, TrustedProxies},
};

use crate::{config::Config, ops::Ops};

/// Where replicas meet; in this process alone where there is no such place.
#[derive(Clone)]
pub(crate) struct Commons(Option<Redis>);

impl Commons {
    /// Redis need not be up: it is asked with the first request.
    pub(crate) fn of(config: &Config) -> anyhow::Result<Self> {
        let Some(url) = &config.redis.url else { return Ok(Self(None)) };
        let settings = RedisConfig {
            url: url.clone(),
            prefix: config.redis.prefix.clone(),
            patience: Duration::from_millis(config.redis.patience_ms),
        };
        let redis = Redis::new(settings, Handle::current()).context("redis.url")?;
        Ok(Self(Some(redis)))
    }

    pub(crate) fn limits(
        &self,
        config: &Config,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Arc<Limits>> {
        Ok(Arc::new(match (config.limits.rules()?, &self.0) {
            (None, _) => Limits::off(clock),
            (Some(rules), None) => Limits::in_process(rules, clock),
            (Some(rules), Some(redis)) => {
                Limits::shared(rules, Arc::new(RedisLimits::new(redis.clone())), clock)
            }
        }))
    }

    pub(crate) fn cache(&self) -> Arc<dyn SharedCache> {
        match &self.0 {
            None => Arc::new(InProcessCache::new()),
            Some(redis) => Arc::new(RedisCache::new(redis.clone())),
        }
    }
}

/// Whose word is taken for the address of a client of the public listener.
pub(crate) fn proxies(config: &Config) -> TrustedProxies {
    TrustedProxies::new(config.public.trusted_hops, config.public.trusted_proxies.clone())
}

/// What operators are told of the limits.
pub(crate) async fn show(ops: Data<Ops>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    Ok(HttpResponse::Ok().json(ops.limits.figures()))
}
