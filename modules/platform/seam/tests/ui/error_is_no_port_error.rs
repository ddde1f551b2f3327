use kernel::CallContext;
use seam::{CallFailure, PortError, port};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, Deserialize, thiserror::Error, PortError, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ShopError {
    #[error("sold out")]
    SoldOut,
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

#[derive(Debug, thiserror::Error)]
#[error("broken")]
pub struct Broken;

#[port(service = "shop", version = 1)]
pub trait ShopApi {
    #[call(read)]
    async fn stock(&self, ctx: &CallContext) -> Result<u32, Broken>;
}

fn main() {}
