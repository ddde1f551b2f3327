//! The local dashboard: what a running program does, drawn from the program itself.
//!
//! | page | shows |
//! |---|---|
//! | `/` | the modules, where they run, and the calls between them in the last minute |
//! | `/dashboard/traces` | recent traces, and each as a waterfall |
//! | `/dashboard/events` | what waits in outboxes and inboxes, and dead letters, which can be replayed |
//! | `/dashboard/mailbox` | mails of the sandbox |
//!
//! Pages are rendered here and work without script; a little of it keeps them fresh.
//!
//! *Invariants*: a program mounts it in the profiles `local` and `test` alone; it answers to names of
//! this machine alone, and takes orders from its own pages alone; everything is escaped, and nothing
//! comes from elsewhere; what it shows is read where operators' routes read it.

mod events;
mod format;
mod frame;
mod guard;
mod landing;
mod mailbox;
mod map;
mod traces;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use ::events::EventEngine;
use actix_web::web::{Data, ServiceConfig, get, post, resource};
use kernel::Clock;
use sandbox::SandboxMailbox;

pub use guard::Local;
pub use map::{Rates, ReadCalls};
pub use traces::RecentTraces;

/// What a dashboard shows.
pub struct Parts {
    /// The program's name.
    pub program: &'static str,
    /// All modules of the product, in the order in which they are shown.
    pub modules: Vec<Placed>,
    /// The calls between them, and their events.
    pub rates: Arc<Rates>,
    /// The event engines of those that run here.
    pub engines: BTreeMap<&'static str, Arc<EventEngine>>,
    /// Nothing where no traces are gathered.
    pub traces: Option<Arc<RecentTraces>>,
    /// The mails that were sent.
    pub mailbox: Arc<SandboxMailbox>,
    /// Where the internal listener is.
    pub internal: SocketAddr,
    /// Tells how old things are.
    pub clock: Arc<dyn Clock>,
}

/// A module, and where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its name.
    pub name: &'static str,
    /// Where.
    pub place: Place,
}

/// Where a module runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this program.
    Here,
    /// In another.
    Elsewhere {
        /// Where it is called.
        calls: Vec<String>,
        /// Where its own pages are.
        pages: Vec<String>,
    },
}

/// Events that went from a module's outbox to a destination since the program began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Whose events.
    pub module: String,
    /// Who has taken them.
    pub destination: String,
    /// How many.
    pub events: u64,
    /// How many batches were not taken, and were sent again.
    pub refusals: u64,
}

/// Reads what was sent; nothing where nobody counts.
pub type ReadSent = Arc<dyn Fn() -> Vec<Sent> + Send + Sync>;

/// The pages of one program. Cheap to clone.
#[derive(Clone)]
pub struct Dashboard(Arc<Parts>);

impl Dashboard {
    /// Shows `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Mounts the pages. For the profiles `local` and `test` alone: whoever reaches them may look at
    /// everything, and replay dead letters.
    pub fn routes(&self, config: &mut ServiceConfig) {
        config
            .app_data(Data::from(Arc::clone(&self.0)))
            .service(resource("/").route(get().to(map::show)))
            .service(resource("/dashboard/traces").route(get().to(traces::list)))
            .service(resource("/dashboard/traces/{id}").route(get().to(traces::show)))
            .service(resource("/dashboard/events").route(get().to(events::show)))
            .service(
                resource("/dashboard/events/{module}/{event}/{consumer}/replay")
                    .route(post().to(events::replay)),
            )
            .service(
                resource("/dashboard/events/{module}/{consumer}/replay")
                    .route(post().to(events::replay_all)),
            )
            .service(resource("/dashboard/mailbox").route(get().to(mailbox::list)))
            .service(resource("/dashboard/mailbox/{id}").route(get().to(mailbox::html)))
            .service(resource("/dashboard/style.css").route(get().to(frame::style)))
            .service(resource("/dashboard/script.js").route(get().to(frame::script)))
            .service(resource("/verify-email").route(get().to(landing::verify_email)))
            .service(resource("/accept-invitation").route(get().to(landing::accept_invitation)));
    }
}

impl Parts {
    /// The module of that name, where it runs elsewhere: where its own pages are.
    fn pages_of(&self, module: &str) -> Option<&[String]> {
        self.modules.iter().find_map(|placed| match &placed.place {
            Place::Elsewhere { pages, .. } if placed.name == module => Some(pages.as_slice()),
            _ => None,
        })
    }
}
