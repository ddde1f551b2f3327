use std::sync::Arc;

use notifications_api::{
    EmailSender,
    testing::{Arrivals, Arrived, Repetition, email_sender_contract},
};
use serde_json::Value;

use crate::provider::{Shared, Taking, answering, email, sender_to};

struct Mailbox(Arc<Taking>);

#[async_trait::async_trait]
impl Arrivals for Mailbox {
    async fn at(&self, to: &str) -> Vec<Arrived> {
        let to_them = |mail: &Value| mail["personalizations"][0]["to"][0]["email"] == to;
        self.0.mails().into_iter().filter(to_them).map(|mail| arrived(&mail)).collect()
    }
}

fn arrived(mail: &Value) -> Arrived {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    Arrived {
        from: format!("{} <{}>", text(&mail["from"]["name"]), text(&mail["from"]["email"])),
        subject: text(&mail["subject"]),
        text: text(&mail["content"][0]["value"]),
        html: text(&mail["content"][1]["value"]),
    }
}

#[tokio::test]
async fn keeps_the_contract_of_mail() {
    let taking = Arc::new(Taking::default());
    let server = answering(Shared(Arc::clone(&taking))).await;
    let sender = sender_to(&server.uri());
    email_sender_contract(&sender, &Mailbox(taking), Repetition::SentAgain).await;
}

/// What lets the recipient's side and the webhook tell a mail that came twice.
#[tokio::test]
async fn a_repeated_mail_carries_the_same_id() {
    let taking = Arc::new(Taking::default());
    let server = answering(Shared(Arc::clone(&taking))).await;
    let sender = sender_to(&server.uri());
    let mut references = Vec::new();
    for _ in 0..2 {
        references.push(sender.send(&email()).await.expect("accepted").reference);
    }
    for mail in taking.mails() {
        assert_eq!(mail["custom_args"]["message_id"], email().message_id);
        assert_eq!(mail["headers"]["X-Ashlar-Message-Id"], email().message_id);
    }
    let expected = ["reference-1", "reference-2"].map(|name| Some(name.to_owned()));
    assert_eq!(references, expected);
}
