//! What is mailed to whom, how often, and what remains of it.

use std::time::Duration;

use auth_api::{InvitationCreated, VerificationRequested};
use billing_api::{InvoicePaid, PaymentFailed};
use kernel::{
    Aggregate, Clock, Currency, Envelope, InvitationId, InvoiceId, Money, Principal, Role,
    SubscriptionId, TenantId, UserId,
};
use notifications_api::{Email, EmailError};
use seam::CallFailure;
use uuid::Uuid;

use crate::harness::{House, SENDER, event_id, stored_mails, tenant};

const DAY: Duration = Duration::from_secs(86_400);
/// Longer than any wait between two attempts.
const NEXT_ATTEMPT: Duration = Duration::from_secs(3_600);

fn verification(house: &House, name: &str) -> VerificationRequested {
    VerificationRequested {
        user: UserId(Uuid::now_v7()),
        email: "ada@example.com".to_owned(),
        name: name.to_owned(),
        sealed_token: house.sealed::<VerificationRequested>("T0-k_n"),
        expires_at: house.clock.now() + DAY,
    }
}

/// The one mail that was handed over.
fn only(mails: Vec<Email>) -> Email {
    let [mail] = <[Email; 1]>::try_from(mails).expect("one mail");
    mail
}

#[tokio::test]
async fn a_verification_mail_ends_its_link_with_the_token_and_keeps_none() {
    let (house, tenant) = (House::open().await, tenant());
    house.deliver(tenant, event_id(), &verification(&house, "Ada")).await;

    let mail = only(house.work().await);
    assert_eq!((mail.to.as_str(), mail.from.as_str()), ("ada@example.com", SENDER));
    let link = "https://app.example.com/verify-email?token=T0-k_n";
    assert!(mail.text.expose().lines().any(|line| line == link), "{}", mail.text.expose());
    assert!(mail.html.expose().contains(&format!("href=\"{link}\"")), "{}", mail.html.expose());

    let [row] = <[_; 1]>::try_from(stored_mails(&house, tenant).await).expect("one mail");
    assert_eq!((row.state.as_str(), row.sealed_token), ("sent", None));
    assert_eq!(row.sent_at.map(Into::into), Some(house.clock.now()));
    assert_eq!(row.provider_reference, Some(format!("reference of {}", mail.message_id)));
}

#[tokio::test]
async fn an_invitation_leads_to_its_own_page() {
    let house = House::open().await;
    let event = InvitationCreated {
        invitation: InvitationId(Uuid::now_v7()),
        tenant_name: "Analytical Engines".to_owned(),
        email: "grace@example.com".to_owned(),
        role: Role::Member,
        sealed_token: house.sealed::<InvitationCreated>("inv1te"),
        expires_at: house.clock.now() + DAY,
    };
    house.deliver(tenant(), event_id(), &event).await;
    let mail = only(house.work().await);
    assert_eq!(mail.to, "grace@example.com");
    let link = "https://app.example.com/accept-invitation?token=inv1te";
    assert!(mail.text.expose().lines().any(|line| line == link), "{}", mail.text.expose());
}

#[tokio::test]
async fn a_mail_is_sent_once_however_often_it_is_asked_for() {
    let (house, tenant, id) = (House::open().await, tenant(), event_id());
    let event = verification(&house, "Ada");
    house.deliver(tenant, id, &event).await;
    house.deliver(tenant, id, &event).await;
    let mail = only(house.work().await);
    house.deliver(tenant, id, &event).await;

    // Nor does its job send it again, should that ever come twice.
    house.deliver_envelope(job(&house, tenant, &mail)).await;
    assert_eq!(house.work().await, []);
    assert!(house.parked().await.is_empty());

    house.deliver(tenant, event_id(), &event).await;
    let other = only(house.work().await);
    assert_ne!(other.message_id, mail.message_id, "another event asks for another mail");
    assert_eq!(stored_mails(&house, tenant).await.len(), 2);
}

#[tokio::test]
async fn a_mail_that_could_not_be_handed_over_is_tried_again_under_the_same_identity() {
    let (house, tenant) = (House::open().await, tenant());
    house.provider.fail_next(EmailError::Temporary("busy".into()));
    house.deliver(tenant, event_id(), &verification(&house, "Ada")).await;
    let first = only(house.work().await);
    let queued = stored_mails(&house, tenant).await;
    assert_eq!(queued[0].state, "queued");
    assert!(queued[0].sealed_token.is_some(), "it is needed again");

    house.clock.advance(NEXT_ATTEMPT);
    let second = only(house.work().await);
    assert_eq!(second, first);
    let sent = stored_mails(&house, tenant).await;
    assert_eq!((sent[0].state.as_str(), sent[0].sealed_token.as_deref()), ("sent", None));
    house.clock.advance(NEXT_ATTEMPT);
    assert_eq!(house.work().await, []);
}

#[tokio::test]
async fn a_long_outage_of_the_provider_parks_no_mail() {
    let (house, tenant) = (House::open().await, tenant());
    house.auth.know(tenant, "Ada", Role::Owner);
    house.deliver(tenant, event_id(), &invoice_paid()).await;
    for _ in 0..20 {
        house.provider.fail_next(EmailError::Temporary("away".into()));
        only(house.work().await);
        house.clock.advance(NEXT_ATTEMPT);
    }
    only(house.work().await);
    assert!(house.parked().await.is_empty());
    assert_eq!(stored_mails(&house, tenant).await[0].state, "sent");
}

#[tokio::test]
async fn a_mail_that_nobody_takes_is_parked_in_the_end() {
    let (house, tenant) = (House::open().await, tenant());
    house.auth.know(tenant, "Ada", Role::Owner);
    house.deliver(tenant, event_id(), &invoice_paid()).await;
    for _ in 0..30 {
        house.provider.fail_next(EmailError::Temporary("away".into()));
        house.work().await;
        house.clock.advance(DAY);
    }
    assert_eq!(house.parked().await, ["notifications.send_mail"]);
    assert_eq!(stored_mails(&house, tenant).await[0].state, "queued");
}

#[tokio::test]
async fn a_refusal_is_final() {
    let (house, tenant) = (House::open().await, tenant());
    house.provider.fail_next(EmailError::Refused("no such address".to_owned()));
    house.deliver(tenant, event_id(), &verification(&house, "Ada")).await;
    only(house.work().await);

    house.clock.advance(NEXT_ATTEMPT);
    assert_eq!(house.work().await, []);
    let refused = stored_mails(&house, tenant).await;
    assert_eq!(refused[0].state, "refused");
    assert_eq!(refused[0].refusal.as_deref(), Some("no such address"));
    assert_eq!((refused[0].sealed_token.as_deref(), refused[0].sent_at), (None, None));
    assert!(house.parked().await.is_empty());
}

#[tokio::test]
async fn a_link_that_has_expired_is_not_mailed() {
    let (house, tenant) = (House::open().await, tenant());
    house.deliver(tenant, event_id(), &verification(&house, "Ada")).await;
    house.clock.advance(DAY);
    assert_eq!(house.work().await, []);
    let lapsed = stored_mails(&house, tenant).await;
    assert_eq!((lapsed[0].state.as_str(), lapsed[0].sealed_token.as_deref()), ("refused", None));
}

#[tokio::test]
async fn a_token_that_was_sealed_for_something_else_is_parked_and_not_mailed() {
    let (house, tenant) = (House::open().await, tenant());
    let mut event = verification(&house, "Ada");
    event.sealed_token = house.sealed::<InvitationCreated>("T0-k_n");
    house.deliver(tenant, event_id(), &event).await;
    assert_eq!(house.work().await, []);
    assert_eq!(house.parked().await, ["notifications.send_mail"]);
    assert_eq!(stored_mails(&house, tenant).await[0].state, "queued");
}

#[tokio::test]
async fn what_strangers_write_adds_no_header_and_no_tag() {
    let house = House::open().await;
    let event = verification(&house, "<script>alert(1)</script>\r\nBcc: all@example.com");
    house.deliver(tenant(), event_id(), &event).await;
    let mail = only(house.work().await);
    assert!(!mail.subject.contains(['\r', '\n']), "{:?}", mail.subject);
    assert!(!mail.html.expose().contains("<script"), "{}", mail.html.expose());
    assert!(mail.html.expose().contains("&lt;script&gt;"), "{}", mail.html.expose());
    let greeting = mail.text.expose().lines().next();
    assert_eq!(greeting, Some("Hello <script>alert(1)</script> Bcc: all@example.com,"));
}

#[tokio::test]
async fn a_paid_invoice_is_mailed_to_each_who_sees_billing() {
    let (house, tenant, id) = (House::open().await, tenant(), event_id());
    for (name, role) in [("Ada", Role::Owner), ("Grace", Role::Admin), ("Eve", Role::Member)] {
        house.auth.know(tenant, name, role);
    }
    house.auth.know(self::tenant(), "Stranger", Role::Owner);
    house.deliver(tenant, id, &invoice_paid()).await;
    house.deliver(tenant, id, &invoice_paid()).await;
    let mut mails = house.work().await;
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    let to: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["ada@example.com", "grace@example.com"]);
    assert_eq!(mails[0].subject, "Invoice INV-000001 is paid");

    let asked = house.auth.asked.lock().expect("not poisoned").clone();
    let [(principal, query)] = asked.as_slice() else { panic!("asked once, not {asked:?}") };
    assert_eq!(*principal, Principal::service_for("elsewhere", tenant));
    assert_eq!(query.at_least, Role::Admin);
}

#[tokio::test]
async fn mails_wait_until_auth_can_say_whom_to_write_to() {
    let (house, tenant) = (House::open().await, tenant());
    house.auth.know(tenant, "Ada", Role::Owner);
    house.auth.fail_next(CallFailure::unavailable("auth"));
    house.deliver(tenant, event_id(), &payment_failed()).await;
    assert_eq!(house.work().await, []);
    house.clock.advance(NEXT_ATTEMPT);
    let mail = only(house.work().await);
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str()),
        ("ada@example.com", "Your payment failed")
    );
    assert!(mail.text.expose().contains("29.00 EUR"), "{}", mail.text.expose());
}

#[tokio::test]
async fn what_was_sent_long_ago_is_forgotten_and_what_waits_is_not() {
    let (house, tenant) = (House::open().await, tenant());
    house.deliver(tenant, event_id(), &verification(&house, "Ada")).await;
    only(house.work().await);
    house.provider.fail_next(EmailError::Temporary("busy".into()));
    house.deliver(tenant, event_id(), &verification(&house, "Grace")).await;
    only(house.work().await);
    for (days, left) in [(29, 2), (2, 1)] {
        house.clock.advance(days * DAY);
        for sweep in &house.sweeps {
            sweep.run_once().await.expect("swept");
        }
        assert_eq!(stored_mails(&house, tenant).await.len(), left);
    }
    assert_eq!(stored_mails(&house, tenant).await[0].state, "queued");
}

pub(crate) fn invoice_paid() -> InvoicePaid {
    InvoicePaid {
        invoice: InvoiceId(Uuid::now_v7()),
        number: "INV-000001".to_owned(),
        total: Money::new(2900, Currency::EUR),
    }
}

pub(crate) fn payment_failed() -> PaymentFailed {
    PaymentFailed {
        subscription: SubscriptionId(Uuid::now_v7()),
        amount: Money::new(2900, Currency::EUR),
    }
}

/// The job that sends `mail`, under an id of its own.
fn job(house: &House, tenant: TenantId, mail: &Email) -> Envelope {
    let id: Uuid = mail.message_id.parse().expect("the id of the mail");
    Envelope {
        id: event_id(),
        event_type: "notifications.mail_due".to_owned(),
        version: 1,
        source: "notifications".to_owned(),
        tenant: Some(tenant),
        aggregate: Aggregate::new("mail", id, 1),
        occurred_at: house.clock.now(),
        traceparent: None,
        payload: serde_json::json!({ "mail": id }),
    }
}
