//! `/openapi.json` and `/docs`: the API of all modules, wherever they run.

use std::{
    error::Error,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse,
    http::header,
    middleware::DefaultHeaders,
    web::{self as actix, Data, ServiceConfig},
};
use remote::Replicas;
use seam::ModuleDescriptor;
use serde::Deserialize;
use tokio::runtime::Handle;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};
use web::ApiQuery;

/// How long a remote module may take to describe itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a remote description is used before it is asked for again.
const FRESH: Duration = Duration::from_secs(30);

/// The page runs its own script and styles and calls this origin; nothing comes from elsewhere.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; font-src 'self' data:; connect-src 'self'; \
                           frame-ancestors 'none'";

/// The description of the local modules, and where the others describe themselves.
pub(crate) struct Docs {
    local: OpenApi,
    remote: Vec<RemoteDocs>,
    runtime: Handle,
}

struct RemoteDocs {
    module: &'static ModuleDescriptor,
    owners: Arc<Replicas>,
    last: RwLock<Last>,
}

/// What a remote module said last; still served while it is down.
#[derive(Clone, Default)]
struct Last {
    document: Option<Arc<OpenApi>>,
    told: Option<Instant>,
}

impl Docs {
    /// `runtime` outlives the worker that a request came in on, and with it the connections.
    pub(crate) fn new(local: OpenApi, runtime: Handle) -> Self {
        Self { local, remote: Vec::new(), runtime }
    }

    /// Adds a module that runs elsewhere and is served publicly by `owners`.
    pub(crate) fn add(&mut self, module: &'static ModuleDescriptor, owners: Arc<Replicas>) {
        self.remote.push(RemoteDocs { module, owners, last: RwLock::default() });
    }

    pub(crate) fn routes(self: &Arc<Self>, config: &mut ServiceConfig) {
        config
            .app_data(Data::from(Arc::clone(self)))
            .service(actix::resource("/openapi.json").route(actix::get().to(document)))
            .service(actix::redirect("/docs", "/docs/"))
            .service(
                actix::scope("/docs")
                    .wrap(DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, PAGE_POLICY)))
                    .service(
                        SwaggerUi::new("/{_:.*}")
                            .config(SwaggerConfig::from("/openapi.json").try_it_out_enabled(true)),
                    ),
            );
    }

    async fn whole(&self) -> OpenApi {
        let mut whole = self.local.clone();
        for remote in &self.remote {
            if let Some(document) = self.describe(remote).await {
                let mut document = (*document).clone();
                // A service describes what it serves; only what is the module's own counts.
                document.paths.paths.retain(|path, _| {
                    remote.module.public_prefixes.iter().any(|prefix| path.starts_with(prefix))
                });
                whole.merge(document);
            }
        }
        whole
    }

    /// What `remote` says of itself, or said last. Where nobody answers, the next request asks
    /// again.
    async fn describe(&self, remote: &RemoteDocs) -> Option<Arc<OpenApi>> {
        let last = remote.last.read().unwrap_or_else(PoisonError::into_inner).clone();
        if last.told.is_some_and(|told| told.elapsed() < FRESH) {
            return last.document;
        }
        let Some(document) = self.ask(remote).await.map(Arc::new) else { return last.document };
        let mut known = remote.last.write().unwrap_or_else(PoisonError::into_inner);
        *known = Last { document: Some(Arc::clone(&document)), told: Some(Instant::now()) };
        Some(document)
    }

    async fn ask(&self, remote: &RemoteDocs) -> Option<OpenApi> {
        for owner in remote.owners.in_turn(Instant::now()) {
            let mut url = owner.url().clone();
            url.set_path("/openapi.json");
            url.set_query(Some(ONLY_HERE));
            let request = owner.connections().get(url).timeout(PATIENCE);
            let pending = owner.pending();
            let asked = self.runtime.spawn(async move {
                request.send().await?.error_for_status()?.json::<OpenApi>().await
            });
            let error: Box<dyn Error> = match asked.await {
                Ok(Ok(document)) => {
                    pending.succeeded();
                    return Some(document);
                }
                Ok(Err(error)) => {
                    if error.is_connect() {
                        pending.failed();
                    }
                    error.into()
                }
                Err(error) => error.into(),
            };
            let module = remote.module.name;
            tracing::warn!(error = &*error, peer.service = module, "no description to be had");
        }
        None
    }
}

/// Asks a program for its own modules only: two programs that describe each other's modules would
/// otherwise ask each other without end.
const ONLY_HERE: &str = "modules=here";

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Extent {
    modules: Modules,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Modules {
    #[default]
    All,
    Here,
}

async fn document(docs: Data<Docs>, extent: ApiQuery<Extent>) -> HttpResponse {
    match extent.modules {
        Modules::All => HttpResponse::Ok().json(docs.whole().await),
        Modules::Here => HttpResponse::Ok().json(&docs.local),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{get, web::Json};
    use utoipa_actix_web::scope;
    use web::StandardErrors;

    use super::*;

    /// The plans.
    #[utoipa::path(
        tag = "billing",
        params(("currency" = Option<kernel::Currency>, Query)),
        responses((status = OK, body = Vec<kernel::Role>), StandardErrors),
        security(("bearer" = []))
    )]
    #[get("/plans")]
    async fn plans() -> Json<Vec<kernel::Role>> {
        Json(Vec::new())
    }

    #[test]
    fn a_description_survives_the_way_to_another_program() {
        let told = web::openapi(|config| {
            config.service(scope("/v1/billing").service(plans));
        });
        let json = serde_json::to_value(&told).expect("JSON");
        let heard: OpenApi = serde_json::from_value(json.clone()).expect("a description");
        assert_eq!(serde_json::to_value(&heard).expect("JSON"), json);

        let mut whole = web::openapi(|_| {});
        whole.merge(heard);
        let whole = serde_json::to_value(&whole).expect("JSON");
        assert_eq!(whole["paths"], json["paths"]);
        assert_eq!(whole["components"], json["components"]);
    }
}
