//! `GET /sandbox/mailbox`: the mails that a local system sent, to click their links. The links
//! let people in, so that it answers to names of this machine alone, as the dashboard does.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    web::{self as actix, Data, ServiceConfig},
};
use dashboard::Local;
use sandbox::SandboxMailbox;
use serde::Deserialize;
use web::{ApiQuery, Problem};

/// The most mails that one answer holds.
const MOST: usize = 100;

/// Mounts the route. Only ever called in the `local` and `test` profiles.
pub(crate) fn routes(mailbox: Arc<SandboxMailbox>, config: &mut ServiceConfig) {
    config
        .app_data(Data::from(mailbox))
        .service(actix::resource("/sandbox/mailbox").route(actix::get().to(read)));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    to: Option<String>,
}

async fn read(
    _: Local,
    mailbox: Data<SandboxMailbox>,
    filter: ApiQuery<Filter>,
) -> Result<HttpResponse, Problem> {
    let mailbox = mailbox.into_inner();
    let to = filter.into_inner().to;
    let read = move || mailbox.read(to.as_deref(), MOST);
    let mails = actix::block(read).await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "items": mails })))
}
