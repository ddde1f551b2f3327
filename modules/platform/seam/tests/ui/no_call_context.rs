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
    #[call(read)]
    async fn stock(&self) -> Result<u32, ShopError>;

    #[call(read)]
    async fn price(&self, product: String) -> Result<u32, ShopError>;
}

fn main() {}
