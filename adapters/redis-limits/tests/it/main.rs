//! Redis behind the ports of limits and caches. All but the first need one: `cargo xtask test`, or
//! `ASHLAR_TEST_REDIS=redis://127.0.0.1:6379 cargo nextest run -p redis-limits --profile engines`.

mod redis;
mod secrets;
