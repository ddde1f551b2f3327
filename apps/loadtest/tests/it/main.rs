//! The generator against servers that misbehave, and every scenario against the product.

mod drops;
mod failures;
mod honest;
mod lossy;
mod ping;
mod product;
mod scenarios;
mod server;
mod sessions;
