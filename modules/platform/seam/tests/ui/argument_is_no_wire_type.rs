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

/// A handle that lives in this process alone.
pub struct Warehouse(std::sync::mpsc::Sender<u32>);

#[port(service = "shop", version = 1)]
pub trait ShopApi {
    #[call(write)]
    async fn restock(&self, ctx: &CallContext, from: Warehouse) -> Result<(), ShopError>;
}

fn main() {}
