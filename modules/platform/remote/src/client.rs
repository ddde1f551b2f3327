use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::runtime::Handle;

/// One pool of connections for all of a program's calls to other programs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient {
    runtime: Handle,
    plain: reqwest::Client,
    encrypted: Arc<OnceLock<reqwest::Client>>,
}

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the client for calls to other programs could not be set up")]
pub struct HttpClientError(#[from] reqwest::Error);

impl HttpClient {
    /// How long a connection may take to come about: long within a network of one's own, short
    /// beside the time that a call has.
    const CONNECT: Duration = Duration::from_secs(1);
    /// How long a connection is kept without use. Shorter than the 75 s after which an internal
    /// listener closes one, so that no call is sent into a closing connection.
    const IDLE: Duration = Duration::from_secs(30);

    /// A client whose connections live on `runtime`, and end with it: the program's main one, where
    /// they are shared. A web worker's own runtime may have those that nobody but the worker uses.
    ///
    /// # Errors
    /// The client cannot be set up.
    pub fn new(runtime: Handle) -> Result<Self, HttpClientError> {
        // Another part of the program may have installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // To read the machine's certificates takes time and memory, which calls in clear need not
        // spend: see `connections`.
        let plain = builder().tls_certs_only([]).build()?;
        Ok(Self { runtime, plain, encrypted: Arc::default() })
    }

    /// Where requests run.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The pool for URLs that begin with `scheme`. Its requests end only with their tasks: run them
    /// on [`HttpClient::runtime`], and bound their time.
    ///
    /// # Errors
    /// The machine's certificates, which `https` asks for, cannot be had.
    pub fn connections(&self, scheme: &str) -> Result<reqwest::Client, HttpClientError> {
        if scheme != "https" {
            return Ok(self.plain.clone());
        }
        if let Some(client) = self.encrypted.get() {
            return Ok(client.clone());
        }
        let client = builder().https_only(ENFORCED).build()?;
        Ok(self.encrypted.get_or_init(|| client).clone())
    }
}

const ENFORCED: bool = true;

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(HttpClient::CONNECT)
        .pool_idle_timeout(HttpClient::IDLE)
        // Our own programs are not behind the proxy that the environment may name.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .http1_only()
}
