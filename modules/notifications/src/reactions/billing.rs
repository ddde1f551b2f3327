//! What billing publishes.

use std::sync::Arc;

use auth_api::{AuthApi, AuthError, Contact, ContactQuery};
use billing_api::{InvoicePaid, PaymentFailed};
use events::{Action, Delivery, Effect, HandlerError};
use kernel::{CallContext, Role};
use storage::{Store, TenantTx};

use crate::{
    in_app::{self, english},
    mails::{self, MailContent, NewMail},
};

/// Tells those who see billing in the app.
pub(super) struct Entries;

#[seam::async_trait]
impl Effect<InvoicePaid> for Entries {
    async fn apply(
        &self,
        tx: &TenantTx,
        _ctx: &CallContext,
        event: InvoicePaid,
        _delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        in_app::put(tx, english::invoice_paid(&event)).await?;
        Ok(())
    }
}

#[seam::async_trait]
impl Effect<PaymentFailed> for Entries {
    async fn apply(
        &self,
        tx: &TenantTx,
        _ctx: &CallContext,
        event: PaymentFailed,
        _delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        in_app::put(tx, english::payment_failed(&event)).await?;
        Ok(())
    }
}

/// Tells those who see billing by mail. Auth knows who they are.
pub(super) struct ContactMails {
    pub store: Store,
    pub auth: Arc<dyn AuthApi>,
}

#[seam::async_trait]
impl Action<InvoicePaid> for ContactMails {
    async fn perform(
        &self,
        ctx: &CallContext,
        event: InvoicePaid,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        self.write_down(ctx, delivery, |contact| MailContent::InvoicePaid {
            name: contact.name.clone(),
            number: event.number.clone(),
            total: event.total,
        })
        .await
    }
}

#[seam::async_trait]
impl Action<PaymentFailed> for ContactMails {
    async fn perform(
        &self,
        ctx: &CallContext,
        event: PaymentFailed,
        delivery: &Delivery,
    ) -> Result<(), HandlerError> {
        self.write_down(ctx, delivery, |contact| MailContent::PaymentFailed {
            name: contact.name.clone(),
            amount: event.amount,
        })
        .await
    }
}

impl ContactMails {
    /// Writes a mail to each contact down. Repeated, it adds nothing: a mail's id comes from the
    /// delivery and the recipient.
    async fn write_down(
        &self,
        ctx: &CallContext,
        delivery: &Delivery,
        content: impl Fn(&Contact) -> MailContent + Send,
    ) -> Result<(), HandlerError> {
        let query = ContactQuery { at_least: Role::Admin };
        let contacts = self.auth.contacts(ctx, query).await.map_err(|error| match error {
            AuthError::Call(failure) => failure.into(),
            AuthError::Forbidden => HandlerError::Permanent(Box::new(error)),
        })?;
        let mails: Vec<NewMail> = contacts
            .iter()
            .map(|contact| NewMail {
                cause: delivery.id,
                recipient: contact.email.clone(),
                content: content(contact),
                sealed_token: None,
            })
            .collect();
        storage::retrying(|| async {
            let tx = self.store.write(ctx).await?;
            for mail in &mails {
                mails::put(&tx, mail.clone()).await?;
            }
            tx.commit().await
        })
        .await?;
        Ok(())
    }
}
