//! Sending a mail that was written down.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use events::{Action, Consumer, Delivery, HandlerError};
use kernel::{CallContext, Secret};
use notifications_api::{Accepted, EmailError, EmailSender, MODULE};
use sea_orm::ColumnTrait;
use storage::Store;
use telemetry::{conventions::ERROR_TYPE, metrics::provider_request};
use tokens::{SealError, Sealer};
use tracing::{Instrument, field};
use uuid::Uuid;

use super::{
    english,
    entity::{Column, Entity, MailState, Model},
    letter::Addressing,
    metrics,
    queue::MailDue,
};

/// The consumer that does it.
pub(crate) fn job(sending: MailSending) -> Consumer {
    metrics::begin();
    Consumer::action::<MailDue>("notifications.send_mail", Arc::new(sending))
}

/// Hands a mail to the provider outside any transaction, then commits what became of it. A crash
/// in between sends it again under the same `message_id`.
pub(crate) struct MailSending {
    pub store: Store,
    pub mailer: Arc<dyn EmailSender>,
    pub sealer: Arc<Sealer>,
    pub origin: PublicOrigin,
    pub from: String,
}

/// Where links start; no slash at the end.
pub(crate) struct PublicOrigin(String);

impl PublicOrigin {
    pub(crate) fn new(origin: &str) -> Self {
        Self(origin.trim_end_matches('/').to_owned())
    }

    /// The token is base64url and needs no escaping. It comes last, so that the link can be told
    /// from its end.
    fn link(&self, path: &str, token: &Secret) -> Secret {
        Secret::new(format!("{}{path}?token={}", self.0, token.expose()))
    }
}

/// After so many attempts in a row the mail rests for a while, so that a long outage of the
/// provider parks no mail.
const ATTEMPTS: u32 = 5;
const REST: Duration = Duration::from_secs(600);
/// How long a mail without a link is worth sending; one with a link ends with its link. Then its
/// job uses up its attempts and is parked.
const WORTH_SENDING: Duration = Duration::from_secs(7 * 86_400);

/// How an attempt ended.
enum Outcome {
    Sent(Accepted),
    Refused(String),
    NotYet(EmailError),
}

/// What is noted of a mail that is done with.
struct Concluded {
    state: MailState,
    refusal: Option<String>,
    reference: Option<String>,
}

impl Concluded {
    fn sent(accepted: Accepted) -> Self {
        Self { state: MailState::Sent, refusal: None, reference: accepted.reference }
    }

    fn refused(why: String) -> Self {
        Self { state: MailState::Refused, refusal: Some(why), reference: None }
    }
}

/// Why an attempt cannot succeed, however often it is made. An operator can replay it.
#[derive(Debug, thiserror::Error)]
enum SendingError {
    #[error("there is no mail {0}")]
    NoMail(Uuid),
    #[error("mail {0} has a link and no token")]
    NoToken(Uuid),
    #[error("the token of mail {0} could not be opened")]
    Sealed(Uuid, #[source] SealError),
}

impl From<SendingError> for HandlerError {
    fn from(error: SendingError) -> Self {
        Self::Permanent(Box::new(error))
    }
}

#[seam::async_trait]
impl Action<MailDue> for MailSending {
    async fn perform(
        &self,
        ctx: &CallContext,
        event: MailDue,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let found = self.store.read(ctx)?.find::<Entity>().filter(Column::Id.eq(event.mail)).one();
        let mail = found.await?.ok_or(SendingError::NoMail(event.mail))?;
        if mail.state != MailState::Queued {
            return Ok(());
        }
        let handed_over = self.hand_over(&mail).await?;
        #[cfg(feature = "failpoints")]
        failpoints::reach("notifications::handed_over_before_noted").await;
        match handed_over {
            Outcome::Sent(accepted) => self.conclude(ctx, &mail, Concluded::sent(accepted)).await,
            Outcome::Refused(why) => self.conclude(ctx, &mail, Concluded::refused(why)).await,
            Outcome::NotYet(error) => {
                metrics::not_yet();
                let age = self.store.clock().now().since(mail.created_at.into());
                if delivery.attempt < ATTEMPTS || age > WORTH_SENDING {
                    return Err(HandlerError::retry(error));
                }
                tracing::warn!(
                    mail.id = %mail.id,
                    error = &error as &dyn std::error::Error,
                    "a mail cannot be handed over; it is tried again later"
                );
                self.rest(ctx, event, delivery).await
            }
        }
    }
}

impl MailSending {
    async fn hand_over(&self, mail: &Model) -> Result<Outcome, SendingError> {
        let link = match mail.content.link() {
            None => None,
            Some(link) if link.expires_at <= self.store.clock().now() => {
                return Ok(Outcome::Refused("its link has expired".to_owned()));
            }
            Some(link) => {
                let sealed = mail.sealed_token.as_deref().ok_or(SendingError::NoToken(mail.id))?;
                let token = self
                    .sealer
                    .open(sealed, link.purpose)
                    .map_err(|source| SendingError::Sealed(mail.id, source))?;
                Some(self.origin.link(link.path, &token))
            }
        };
        let message_id = mail.id.to_string();
        let email = english::letter(&mail.content, link).to_email(Addressing {
            message_id: &message_id,
            from: &self.from,
            to: &mail.recipient,
        });
        let span = tracing::debug_span!(
            "mail.send",
            otel.kind = "client",
            otel.name = "send mail",
            mail.id = %mail.id,
            mail.outcome = field::Empty,
            error.type = field::Empty,
        );
        let begun = Instant::now();
        let sent = self.mailer.send(&email).instrument(span.clone()).await;
        let (field, word, outcome) = match sent {
            Ok(accepted) => ("mail.outcome", "accepted", Outcome::Sent(accepted)),
            Err(EmailError::Refused(why)) => ("mail.outcome", "refused", Outcome::Refused(why)),
            Err(error @ EmailError::Temporary(_)) => {
                (ERROR_TYPE, "temporary", Outcome::NotYet(error))
            }
        };
        span.record(field, word);
        provider_request(MODULE.name, "mail", word, begun.elapsed());
        Ok(outcome)
    }

    /// Has the job come again later, with all of its attempts.
    async fn rest(
        &self,
        ctx: &CallContext,
        job: MailDue,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        let due = self.store.clock().now() + REST;
        // By the delivery: should this run twice, the job is scheduled once.
        let key = format!("mail:{}/after/{}", job.mail, delivery.id);
        let tx = self.store.write(ctx).await?;
        tx.schedule(due, &key, &job).await?;
        Ok(tx.commit().await?)
    }

    /// Notes the outcome and erases the token, the first time only.
    async fn conclude(
        &self,
        ctx: &CallContext,
        mail: &Model,
        concluded: Concluded,
    ) -> Result<(), HandlerError> {
        let now = self.store.clock().now().to_offset_date_time();
        let Concluded { state, refusal, reference } = concluded;
        if refusal.is_some() {
            // Why is in the table only: a provider likes to quote the address.
            tracing::warn!(mail.id = %mail.id, "a mail was refused");
        }
        let sent_at = (state == MailState::Sent).then_some(now);
        let tx = self.store.write(ctx).await?;
        tx.update_many::<Entity>()
            .set(Column::State, state)
            .set(Column::SealedToken, Option::<String>::None)
            .set(Column::Refusal, refusal)
            .set(Column::ProviderReference, reference)
            .set(Column::SentAt, sent_at)
            .set(Column::UpdatedAt, now)
            .filter(Column::Id.eq(mail.id))
            .filter(Column::State.eq(MailState::Queued))
            .exec()
            .await?;
        tx.commit().await?;
        metrics::concluded(state, self.store.clock().now().since(mail.created_at.into()));
        Ok(())
    }
}
