//! The contract suite of [`EmailSender`], run over every adapter of it.

use async_trait::async_trait;
use kernel::{CallId, Secret};

use crate::{Email, EmailSender};

/// Looks where the mails of the sender under test arrive.
#[async_trait]
pub trait Arrivals: Send + Sync {
    /// The mails that arrived at `to`, oldest first.
    async fn at(&self, to: &str) -> Vec<Arrived>;
}

/// A mail that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Who it is from.
    pub from: String,
    /// One line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

/// What the sender under test does with a `message_id` that it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// It sends each only once.
    SentOnce,
    /// It cannot tell; the recipient's side recognises the id.
    SentAgain,
}

/// Checks what [`EmailSender`] promises. Each run uses addresses of its own.
///
/// # Panics
/// On the first promise that is broken.
pub async fn email_sender_contract(
    sender: &dyn EmailSender,
    arrivals: &dyn Arrivals,
    repetition: Repetition,
) {
    let (first, second) = (email("First"), email("Second"));
    sender.send(&first).await.expect("a well-formed mail is accepted");
    sender.send(&second).await.expect("a well-formed mail is accepted");
    assert_eq!(arrivals.at(&first.to).await, [arrived(&first)], "it arrives as it was written");
    assert_eq!(arrivals.at(&second.to).await, [arrived(&second)], "and only where it was sent");

    let to_the_first = Email { to: first.to.clone(), ..email("Third") };
    sender.send(&to_the_first).await.expect("a well-formed mail is accepted");
    assert_eq!(
        arrivals.at(&first.to).await,
        [arrived(&first), arrived(&to_the_first)],
        "another id is another mail"
    );

    sender.send(&second).await.expect("a repeated mail is accepted");
    let times = match repetition {
        Repetition::SentOnce => 1,
        Repetition::SentAgain => 2,
    };
    assert_eq!(arrivals.at(&second.to).await, vec![arrived(&second); times], "{repetition:?}");
}

fn email(subject: &str) -> Email {
    let id = CallId::random();
    Email {
        message_id: format!("contract/{id}"),
        from: "Ashlar <no-reply@example.test>".to_owned(),
        to: format!("{id}@example.test"),
        subject: format!("{subject}: zażółć"),
        text: Secret::new("Line one\nhttps://example.test/?token=a&b=c\n"),
        html: Secret::new("<p><a href=\"https://example.test/?token=a&amp;b=c\">Go</a></p>"),
    }
}

fn arrived(email: &Email) -> Arrived {
    Arrived {
        from: email.from.clone(),
        subject: email.subject.clone(),
        text: email.text.expose().to_owned(),
        html: email.html.expose().to_owned(),
    }
}
