use seam::PortError;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, thiserror::Error, PortError)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ShopError {
    #[error("sold out")]
    SoldOut,
}

#[derive(Debug, Serialize, Deserialize, thiserror::Error, PortError)]
#[error("broken")]
pub struct Broken;

#[derive(Debug, Serialize, Deserialize, thiserror::Error, PortError)]
pub enum Leaky {
    #[error(transparent)]
    Call(#[from] seam::CallFailure),
}

fn main() {}
