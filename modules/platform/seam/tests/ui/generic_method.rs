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
    async fn price<P: Into<String>>(&self, ctx: &CallContext, product: P) -> Result<u32, ShopError>;

    #[call(read)]
    async fn each(&self, ctx: &CallContext, of: impl Fn(u32) -> u32) -> Result<u32, ShopError>;
}

fn main() {}
