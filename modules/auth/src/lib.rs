//! Who people are: registration, sessions, tenants, memberships and invitations.
//!
//! Features come first: `registration`, `sessions`, `invitations`, `keys` and `people`, each with
//! its rules, its rows and its routes.
//!
//! *Invariants*: a password is kept as an argon2id hash and a token as a hash; a token that
//! travels to a mail is sealed; no answer and no amount of work tells whether an address is known;
//! billing is called outside of transactions, under the key of what it is called for.
//!
//! One thing can be found out all the same: somebody who registers an address with a password of
//! their own and logs in with it is told 403 where the address was not verified and 401 where it
//! was. It follows from telling who knows the password that a link waits for them.

mod audit;
mod input;
mod invitations;
mod keys;
mod locks;
mod metrics;
mod passwords;
mod people;
mod problems;
mod registration;
mod scopes;
mod service;
mod sessions;
mod settings;
mod sweep;

use std::sync::Arc;

use auth_api::{AuthApi, KeySet};
use billing_api::BillingApi;
use events::Consumer;
use module::{Module, Sweep};
use storage::Store;
use tokens::{AccessTokens, Sealer, SigningKey};
use utoipa_actix_web::scope;

pub use invitations::{InvitationExpired, ReservationOverdue, SeatReleaseDue};
pub use passwords::{Argon2id, HashingError, PasswordHashing};
pub use settings::{AuthSettings, HashingLimits};

use crate::{
    invitations::{ExpireInvitation, GiveUpReservation, ReleaseSeat},
    passwords::Passwords,
    service::AuthService,
};

/// What auth stands on.
pub struct Dependencies {
    /// Its data, migrated by `auth_migrations::Migrator`.
    pub store: Store,
    /// Where seats are reserved.
    pub billing: Arc<dyn BillingApi>,
    /// The `iss` and `aud` of access tokens: a name, the same in every program that verifies them.
    pub issuer: String,
    /// What access tokens are signed with.
    pub signing_key: Arc<SigningKey>,
    /// What seals the tokens of mails; notifications opens them with the same key.
    pub sealer: Arc<Sealer>,
    /// How passwords are kept: [`Argon2id`] but in tests.
    pub hashing: Arc<dyn PasswordHashing>,
    /// What an operator may change.
    pub settings: AuthSettings,
}

/// The module, ready to be hosted.
pub fn module(dependencies: Dependencies) -> Module {
    let Dependencies { store, billing, issuer, signing_key, sealer, hashing, settings } =
        dependencies;
    metrics::begin();
    let key_set = KeySet { keys: vec![signing_key.public_jwk()] };
    let lifetime = settings.access_token_lifetime;
    let service = Arc::new(AuthService {
        store: store.clone(),
        billing: Arc::clone(&billing),
        access_tokens: AccessTokens::new(signing_key, issuer, lifetime),
        key_set,
        sealer,
        passwords: Passwords::new(hashing, settings.hashing),
        settings,
    });
    let give_up = GiveUpReservation(store.clone());
    let expire = ExpireInvitation(store.clone());
    let release = ReleaseSeat { store: store.clone(), billing };
    let (swept, claims) = (Arc::clone(&service), Arc::clone(&service));
    Module::new(auth_api::MODULE, store)
        .serving::<dyn AuthApi>(Arc::clone(&service) as Arc<dyn AuthApi>)
        .routes(routes(service))
        .consuming(Consumer::effect("auth.give_up_reservation", Arc::new(give_up)))
        .consuming(Consumer::effect("auth.expire_invitation", Arc::new(expire)))
        .consuming(Consumer::action("auth.release_seat", Arc::new(release)))
        .sweeping(Sweep::new("auth.delete_expired", sweep::SWEEP_EVERY, move || {
            let service = Arc::clone(&swept);
            async move { service.sweep().await }
        }))
        .sweeping(Sweep::new("auth.free_claims", sweep::FREE_CLAIMS_EVERY, move || {
            let service = Arc::clone(&claims);
            async move { service.free_claims().await }
        }))
}

fn routes(
    service: Arc<AuthService>,
) -> impl Fn(&mut utoipa_actix_web::service_config::ServiceConfig<'_>) + Send + Sync + Clone {
    move |config| {
        let service = actix_web::web::Data::from(Arc::clone(&service));
        config.app_data(service).service(keys::jwks).service(
            scope("/v1/auth")
                .service(registration::http::register)
                .service(registration::http::verify_email)
                .service(sessions::http::login)
                .service(sessions::http::refresh)
                .service(sessions::http::logout)
                .service(sessions::http::me)
                .service(invitations::http::accept_invitation)
                .service(invitations::http::invite)
                .service(invitations::http::list_invitations)
                .service(invitations::http::revoke_invitation),
        );
    }
}
