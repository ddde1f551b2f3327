//! `GET /v1/billing/subscription` as somebody would write it who has no house to keep: actix-web and
//! sqlx in a file or two. `cargo xtask load` measures the monolith's own against it.
//!
//! | guarantees | |
//! |---|---|
//! | `kept` | the token's signature, issuer, audience, time and role are verified; the tenant goes to the database in the one prepared statement, and row-level security is in force |
//! | `remembered` | the same, with tokens that were verified before remembered, as the product remembers them |
//! | `none` | the token is believed; the tenant is a filter, and the role is above the policies |
//!
//! *Invariant*: nothing of the product is linked, or the product would be measured against itself.

mod read;
mod token;

use std::{env, fs, path::PathBuf, sync::Arc};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::header::AUTHORIZATION,
    web::{self, Data},
};
use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use sqlx::{PgPool, postgres::PgPoolOptions};

use token::{Reader, Refused};

/// Connections, as many as the product's stores keep for one module.
const CONNECTIONS: u32 = 10;
/// Threads, as many as the product's public listener has.
const WORKERS: usize = 2;

/// Serves one read. `ASHLAR_BASELINE_POSTGRES` holds the database's URL, with the user and the
/// password: in the environment, where no other user of the machine reads it.
#[derive(Debug, Parser)]
#[command(name = "baseline")]
struct Options {
    /// What it vouches for.
    #[arg(long, value_enum)]
    guarantees: Guarantees,
    /// A file with the JSON Web Key Set that tokens are verified with.
    #[arg(long)]
    keys: PathBuf,
    /// Where it listens, on loopback.
    #[arg(long)]
    port: u16,
}

/// What the handler vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Guarantees {
    /// What the product's own does, each token verified whenever it comes.
    Kept,
    /// The same, each token verified once, as the product does.
    Remembered,
    /// Nothing at all.
    None,
}

struct State {
    pool: PgPool,
    reader: Reader,
    statement: &'static str,
}

fn main() -> Result<()> {
    let options = Options::parse();
    actix_web::rt::System::new().block_on(serve(options))
}

async fn serve(options: Options) -> Result<()> {
    let url = env::var("ASHLAR_BASELINE_POSTGRES").context("ASHLAR_BASELINE_POSTGRES")?;
    let keys =
        fs::read(&options.keys).with_context(|| format!("reading {}", options.keys.display()))?;
    let (reader, statement) = match options.guarantees {
        Guarantees::Kept => (Reader::verifying(&keys)?, read::CARRYING),
        Guarantees::Remembered => (Reader::remembering(&keys)?, read::CARRYING),
        Guarantees::None => (Reader::Believing, read::BARE),
    };
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        // A round trip for each request that neither handler makes.
        .test_before_acquire(false)
        .connect(&url)
        .await
        .context("connecting to PostgreSQL")?;
    let state = Arc::new(State { pool, reader, statement });
    let app = move || {
        App::new()
            .app_data(Data::from(Arc::clone(&state)))
            .route("/v1/billing/subscription", web::get().to(subscription))
            .route("/health/ready", web::get().to(HttpResponse::Ok))
    };
    let server = HttpServer::new(app).workers(WORKERS).bind(("127.0.0.1", options.port))?;
    Ok(server.run().await?)
}

async fn subscription(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let header = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    let Some(token) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
        return HttpResponse::Unauthorized().finish();
    };
    let tenant = match state.reader.tenant(token) {
        Ok(tenant) => tenant,
        Err(Refused::Token) => return HttpResponse::Unauthorized().finish(),
        Err(Refused::Role) => return HttpResponse::Forbidden().finish(),
    };
    match read::one(&state.pool, state.statement, tenant).await {
        Ok(Some(found)) => HttpResponse::Ok().json(found),
        Ok(None) => HttpResponse::NotFound().finish(),
        // Nobody reads logs here; the generator counts it.
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
