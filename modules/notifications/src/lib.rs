//! The notifications module: the in-app inbox of a tenant, and the mails that go out.
//!
//! It hears of everything by events. What an event asks for is written down in the transaction
//! that takes the event; a mail is then sent by a job of its own, outside any transaction, at
//! least once and always under the same `message_id`.
//!
//! *Invariants*: a mail provider is never called inside a database transaction; no token is stored
//! in clear, and a sealed one is erased once its mail is sent or refused; nothing that a user
//! wrote reaches a mail unescaped or spans a line.

mod in_app;
mod mails;
mod reactions;
mod scopes;

use std::sync::Arc;

use auth_api::AuthApi;
use module::Module;
use notifications_api::{EmailSender, MODULE, NotificationsApi};
use storage::Store;
use tokens::Sealer;

use crate::{
    in_app::InAppInbox,
    mails::{MailSending, PublicOrigin},
};

/// What a mail needs to know about the installation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach the product's pages, such as `https://app.example.com`: links in mails
    /// start with it.
    pub public_origin: String,
    /// Who mails are from: one address, with or without a name.
    pub from: String,
}

/// What the module stands on.
pub struct Dependencies {
    /// The module's own data.
    pub store: Store,
    /// Knows whom to write to.
    pub auth: Arc<dyn AuthApi>,
    /// Hands mails over.
    pub mailer: Arc<dyn EmailSender>,
    /// Opens the tokens that auth sealed.
    pub sealer: Arc<Sealer>,
    /// What a mail needs to know about the installation.
    pub settings: Settings,
}

/// Puts the module together.
pub fn module(dependencies: Dependencies) -> Module {
    let Dependencies { store, auth, mailer, sealer, settings } = dependencies;
    let inbox = InAppInbox::new(store.clone());
    let sending = MailSending {
        store: store.clone(),
        mailer,
        sealer,
        origin: PublicOrigin::new(&settings.public_origin),
        from: settings.from,
    };
    let port: Arc<dyn NotificationsApi> = Arc::new(inbox.clone());
    let module = Module::new(MODULE, store.clone())
        .serving(port)
        .routes(in_app::routes(inbox))
        .consuming(mails::job(sending))
        .sweeping(mails::sweep(store.clone()));
    reactions::all(&store, &auth).into_iter().fold(module, Module::consuming)
}
