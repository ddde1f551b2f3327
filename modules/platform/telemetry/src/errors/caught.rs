//! Panics, caught where it is known whose they are.

use std::{
    any::Any,
    error::Error,
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use crate::busy;

use super::{
    ErrorKind, Fingerprint, Site,
    desk::{Fault, tell},
    hook,
    report::one_line,
    site::At,
};

/// A panic that was caught, and told. An error that has one among its sources is not told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    message: String,
    place: String,
    fingerprint: Fingerprint,
}

impl Panic {
    /// What it said, on one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where the code gave up, as `file:line`; what was being done, in a program that does not
    /// [watch](super::watch_panics) its panics.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The same for panics that are alike.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The panic among `error` and its sources.
    #[must_use]
    pub fn within<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(panic) = error.downcast_ref() {
                return Some(panic);
            }
            next = error.source();
        }
        None
    }

    fn told(site: Site, payload: &(dyn Any + Send)) -> Self {
        let message = one_line(panic_message(payload));
        let place = hook::last_place().unwrap_or_else(|| site.work.to_string());
        let fault = Fault {
            kind: ErrorKind::Panic,
            module: site.module,
            message: message.clone(),
            causes: Vec::new(),
            place: place.clone(),
        };
        Self { message, place, fingerprint: tell(fault) }
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.message)
    }
}

impl Error for Panic {}

/// Does `work` as work of `site`, whose module is charged with it ([`busy`]). A panic in it ends it,
/// and is told as one of the span that this is polled in.
///
/// # Errors
/// The panic.
pub async fn caught<F: Future>(site: Site, work: F) -> Result<F::Output, Panic> {
    let mut work = pin!(work);
    poll_fn(|context| match caught_now(site, || work.as_mut().poll(context)) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// [`caught`] for what is done at once, on this thread.
///
/// # Errors
/// The panic.
pub fn caught_now<T>(site: Site, work: impl FnOnce() -> T) -> Result<T, Panic> {
    let _at = At::new(site);
    let _turn = busy::Turn::of(site.module);
    // Whoever shares something with `work` is told that it has not come to its end.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| Panic::told(site, &*payload))
}

/// What a panic said, from what `catch_unwind` or a joined task returns.
#[must_use]
pub fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
