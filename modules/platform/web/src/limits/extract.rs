//! The extractor of routes that anonymous clients may call.

use std::marker::PhantomData;

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use futures_util::future::LocalBoxFuture;

use super::rules::LimitClass;
use crate::{Edge, Problem};

/// Counts the request against its client's address. As an extractor it answers 429 `rate-limited`
/// with `Retry-After`. It stands first: whoever sends too much is told nothing else.
///
/// ```
/// use web::limits::{Guessable, Limited};
/// # use web::{ApiJson, Problem};
///
/// # #[derive(serde::Deserialize)]
/// # struct Credentials;
/// async fn log_in(
///     _within: Limited<Guessable>,
///     credentials: ApiJson<Credentials>,
/// ) -> Result<&'static str, Problem> {
///     Ok("welcome")
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Limited<C: LimitedByAddress>(PhantomData<C>);

/// The classes that are counted by address.
pub trait LimitedByAddress: 'static {
    /// Which.
    const CLASS: LimitClass;
}

/// See [`LimitClass::Costly`].
#[derive(Clone, Copy, Debug)]
pub enum Costly {}

/// See [`LimitClass::Guessable`].
#[derive(Clone, Copy, Debug)]
pub enum Guessable {}

/// See [`LimitClass::Token`].
#[derive(Clone, Copy, Debug)]
pub enum Token {}

impl LimitedByAddress for Costly {
    const CLASS: LimitClass = LimitClass::Costly;
}

impl LimitedByAddress for Guessable {
    const CLASS: LimitClass = LimitClass::Guessable;
}

impl LimitedByAddress for Token {
    const CLASS: LimitClass = LimitClass::Token;
}

impl<C: LimitedByAddress> FromRequest for Limited<C> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            // Without an edge there are no limits; whoever needs more of it says so.
            if let Some(edge) = request.app_data::<Data<Edge>>() {
                let client = edge.proxies.client_of(&request);
                if let Some(verdict) = edge.limits.take(C::CLASS, client).await {
                    verdict.apply(&request)?;
                }
            }
            Ok(Self(PhantomData))
        })
    }
}
