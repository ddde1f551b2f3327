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

#[port(service = "shop", version = 1)]
pub trait ShopApi {
    #[call(update)]
    async fn restock(&self, ctx: &CallContext) -> Result<(), ShopError>;

    #[call]
    async fn stock(&self, ctx: &CallContext) -> Result<u32, ShopError>;
}

fn main() {}
