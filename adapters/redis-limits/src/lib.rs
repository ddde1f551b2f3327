//! Rate limits and short-lived caches shared over Redis.
