use kernel::CallContext;
use seam::{CallFailure, Port, PortError, port};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Order {
    pub product: String,
    pub pieces: u32,
}

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
    async fn stock(&self, ctx: &CallContext) -> Result<Vec<Order>, ShopError>;

    #[call(write)]
    async fn buy(&self, ctx: &CallContext, order: Order) -> Result<(), ShopError>;
}

fn main() {
    assert_eq!(<dyn ShopApi>::descriptor().name, "ShopApi");
}
