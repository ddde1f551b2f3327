//! `/v1/notifications`.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use kernel::{NotificationId, Page, PageRequest};
use utoipa_actix_web::{scope, service_config::ServiceConfig};
use web::{ApiPath, ApiQuery, Caller, Problem, StandardErrors};

use super::inbox::{InAppInbox, NotificationView, Reader};

/// The routes, over `inbox`.
pub(crate) fn routes(
    inbox: InAppInbox,
) -> impl Fn(&mut ServiceConfig<'_>) + Send + Sync + Clone + 'static {
    move |config| {
        let inbox = Data::new(inbox.clone());
        config.service(scope("/v1/notifications").app_data(inbox).service(list).service(mark_read));
    }
}

/// The calling member's in-app inbox, newest first.
#[utoipa::path(
    tag = "notifications",
    params(PageRequest),
    responses((status = OK, body = Page<NotificationView>), StandardErrors),
    security(("bearer" = []))
)]
#[get("")]
async fn list(
    caller: Caller,
    inbox: Data<InAppInbox>,
    page: ApiQuery<PageRequest>,
) -> Result<Json<Page<NotificationView>>, Problem> {
    let page = inbox.list(&caller, Reader::of(&caller), &page).await?;
    Ok(Json(page))
}

/// Notes that the calling member has read an entry; doing it again changes nothing.
#[utoipa::path(
    tag = "notifications",
    params(("id" = NotificationId, Path)),
    responses((status = NO_CONTENT, description = "It is read"), StandardErrors),
    security(("bearer" = []))
)]
#[post("/{id}/read")]
async fn mark_read(
    caller: Caller,
    inbox: Data<InAppInbox>,
    id: ApiPath<NotificationId>,
) -> Result<HttpResponse, Problem> {
    let read = inbox.mark_read(&caller, Reader::of(&caller), *id).await?;
    if read { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found()) }
}

impl Reader {
    fn of(caller: &Caller) -> Self {
        Self { user: caller.user(), role: caller.role() }
    }
}
