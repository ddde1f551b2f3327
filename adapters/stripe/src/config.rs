//! How Stripe is reached.

use std::time::Duration;

use kernel::Secret;

/// An account at Stripe.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// The account's secret key, `sk_…`, or a restricted one, `rk_…`, that may write customers,
    /// payment intents and refunds.
    pub secret_key: Secret,
    /// Where the API is, without a slash at the end.
    pub base_url: String,
}

impl StripeConfig {
    /// Where Stripe itself is.
    pub const STRIPE: &str = "https://api.stripe.com";
}

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);

/// A client with what the gateway needs of one: it repeats nothing by itself, since what may be
/// repeated is the gateway's to say, and follows no redirection with a secret key in hand.
///
/// # Errors
/// The machine's certificates cannot be had.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Another part of the program may have installed one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("ashlar/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
}
