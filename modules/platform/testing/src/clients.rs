use std::{fmt, sync::Arc};

use seam::{Loopback, Port, Repeat, Slot};

use crate::http;

/// A way to reach an implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Behind the guard, in process.
    Direct,
    /// Over the wire format, in process; every call arrives twice.
    Loopback,
    /// Over HTTP, with signed tokens, as between two programs.
    Http,
}

/// All of them, for suites that build an implementation for each.
pub const CLIENTS: [Client; 3] = [Client::Direct, Client::Loopback, Client::Http];

impl Client {
    /// The client that reaches `implementation` in this way.
    ///
    /// # Panics
    /// [`Client::Http`] outside of a runtime.
    #[must_use]
    pub fn of<P: Port + ?Sized>(self, implementation: Arc<P>) -> Arc<P> {
        let slot = Slot::filled(implementation);
        match self {
            Self::Direct => P::direct(slot),
            Self::Loopback => {
                let service = P::descriptor().service;
                P::remote(Arc::new(Loopback::new(service, P::server(slot), Repeat::Always)))
            }
            Self::Http => P::remote(http::serve(P::descriptor().service, P::server(slot))),
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Loopback => "loopback",
            Self::Http => "HTTP",
        })
    }
}

/// The clients that a contract suite runs over, by name.
///
/// ```ignore
/// for (client, billing) in clients_of::<dyn BillingApi>(service) {
///     assert_eq!(billing.entitlements(&ctx).await, Ok(free()), "{client}");
/// }
/// ```
#[must_use]
pub fn clients_of<P: Port + ?Sized>(implementation: Arc<P>) -> [(Client, Arc<P>); 3] {
    CLIENTS.map(|client| (client, client.of(Arc::clone(&implementation))))
}
