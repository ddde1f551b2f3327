//! `/openapi.json` and `/docs`: the API of all modules, wherever they run.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse,
    http::header,
    middleware::DefaultHeaders,
    web::{self as actix, Data, ServiceConfig},
};
use tokio::runtime::Handle;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

/// How long a remote module may take to describe itself.
const PATIENCE: Duration = Duration::from_secs(1);
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
    module: String,
    prefixes: &'static [&'static str],
    url: String,
    client: reqwest::Client,
    last: RwLock<Last>,
}

/// What a remote module said last; still served while it is down.
#[derive(Clone, Default)]
struct Last {
    document: Option<Arc<OpenApi>>,
    asked: Option<Instant>,
}

impl Docs {
    /// `runtime` outlives the worker that a request came in on, and with it the connections.
    pub(crate) fn new(local: OpenApi, runtime: Handle) -> Self {
        Self { local, remote: Vec::new(), runtime }
    }

    /// Adds a module that runs elsewhere and serves `prefixes` publicly at `origin`.
    pub(crate) fn add(
        &mut self,
        module: &str,
        prefixes: &'static [&'static str],
        origin: &str,
        client: reqwest::Client,
    ) {
        self.remote.push(RemoteDocs {
            module: module.to_owned(),
            prefixes,
            url: format!("{}/openapi.json", origin.trim_end_matches('/')),
            client,
            last: RwLock::default(),
        });
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
                    remote.prefixes.iter().any(|prefix| path.starts_with(prefix))
                });
                whole.merge(document);
            }
        }
        whole
    }

    async fn describe(&self, remote: &RemoteDocs) -> Option<Arc<OpenApi>> {
        let last = remote.last.read().unwrap_or_else(PoisonError::into_inner).clone();
        if last.document.is_some() && last.asked.is_some_and(|asked| asked.elapsed() < FRESH) {
            return last.document;
        }
        let request = remote.client.get(&remote.url).timeout(PATIENCE);
        let asked = self.runtime.spawn(async move {
            request.send().await?.error_for_status()?.json::<OpenApi>().await
        });
        let document = match asked.await {
            Ok(Ok(document)) => Some(Arc::new(document)),
            Ok(Err(error)) => {
                tracing::warn!(module = remote.module, error = %error, "no description to be had");
                last.document
            }
            Err(_) => last.document,
        };
        let mut known = remote.last.write().unwrap_or_else(PoisonError::into_inner);
        *known = Last { document: document.clone(), asked: Some(Instant::now()) };
        document
    }
}

async fn document(docs: Data<Docs>) -> HttpResponse {
    HttpResponse::Ok().json(docs.whole().await)
}
