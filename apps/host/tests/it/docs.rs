//! One description of all modules, wherever they run.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::program::{Edge, client};

/// An owner that is in trouble once. It describes itself to whoever asks for no more than that:
/// one that described all modules would ask the edge, which would ask it again.
async fn describe(request: HttpRequest, asked: web::Data<AtomicUsize>) -> HttpResponse {
    if asked.fetch_add(1, Ordering::Relaxed) == 0 {
        return HttpResponse::ServiceUnavailable().finish();
    }
    if request.query_string() != "modules=here" {
        return HttpResponse::BadRequest().finish();
    }
    let route = || json!({ "get": { "responses": { "200": { "description": "Done." } } } });
    HttpResponse::Ok().json(json!({
        "openapi": "3.1.0",
        "info": { "title": "Billing", "version": "1" },
        "paths": { "/v1/billing/plans": route(), "/v1/auth/me": route() },
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_that_could_not_be_asked_is_asked_again_at_the_next_request() -> anyhow::Result<()>
{
    let asked = web::Data::from(Arc::new(AtomicUsize::new(0)));
    let counter = asked.clone();
    let server = HttpServer::new(move || {
        App::new().app_data(counter.clone()).route("/openapi.json", web::get().to(describe))
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))?;
    let address = server.addrs().first().copied().context("no address")?;
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    let edge = Edge::before(&format!("http://{address}")).await?;

    let document = || async {
        let answer = client()?.get(edge.public("/openapi.json")).send().await?;
        anyhow::Ok(answer.error_for_status()?.json::<Value>().await?)
    };
    ensure!(document().await?["paths"].get("/v1/billing/plans").is_none());
    for _ in 0..2 {
        let document = document().await?;
        ensure!(document["paths"].get("/v1/billing/plans").is_some(), "{document:#}");
        ensure!(document["paths"].get("/v1/auth/me").is_none(), "that is not billing's to tell");
    }
    ensure!(asked.load(Ordering::Relaxed) == 2, "a fresh description is not asked for again");
    edge.stop().await;
    handle.stop(false).await;
    Ok(())
}
