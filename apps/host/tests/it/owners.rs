//! Owners of the paths that are passed on.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// An owner that echoes: bodies chunk by chunk, and the headers that it saw.
pub(crate) fn echo() -> anyhow::Result<(String, actix_web::dev::ServerHandle)> {
    let server = HttpServer::new(|| {
        App::new()
            .app_data(web::PayloadConfig::new(64 * 1024 * 1024))
            .route("/v1/billing/headers", web::get().to(headers))
            .default_service(web::to(|body: web::Payload| async {
                HttpResponse::Ok().streaming(body)
            }))
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))?;
    let address = server.addrs().first().copied().context("no address")?;
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok((format!("http://{address}"), handle))
}

async fn headers(request: HttpRequest) -> HttpResponse {
    let seen: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
        .collect();
    HttpResponse::Ok().json(seen)
}

/// The URL of a listener that is gone.
pub(crate) async fn gone() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(format!("http://{}", listener.local_addr()?))
}

/// Takes one connection and reads a request's head from it.
pub(crate) async fn accept(listener: &TcpListener) -> std::io::Result<TcpStream> {
    let (mut connection, _) = listener.accept().await?;
    let (mut seen, mut chunk) = (Vec::new(), [0; 4096]);
    while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
        match connection.read(&mut chunk).await? {
            0 => break,
            length => seen.extend_from_slice(&chunk[..length]),
        }
    }
    Ok(connection)
}

/// Answers one request, without a body.
pub(crate) async fn answer_once(listener: TcpListener) -> std::io::Result<()> {
    let mut connection = accept(&listener).await?;
    connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await
}
