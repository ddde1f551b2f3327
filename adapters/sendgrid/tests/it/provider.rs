//! A SendGrid that takes mails as the real one does, and remembers them.

use std::{sync::Mutex, time::Duration};

use kernel::Secret;
use notifications_api::Email;
use sendgrid::{SendGridConfig, SendGridSender};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{method, path},
};

pub(crate) const KEY: &str = "SG.a-key-that-nobody-may-read";

/// A server that answers every request with `answer`.
pub(crate) async fn answering(answer: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v3/mail/send"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

/// A sender that sends to `url`.
pub(crate) fn sender_to(url: &str) -> SendGridSender {
    sender_with(url, Duration::from_secs(20))
}

pub(crate) fn sender_with(url: &str, patience: Duration) -> SendGridSender {
    let client = sendgrid::client().expect("a client");
    let config =
        SendGridConfig { base_url: url.to_owned(), patience, ..SendGridConfig::new(key()) };
    SendGridSender::new(config, client)
}

pub(crate) fn key() -> Secret {
    Secret::new(KEY)
}

pub(crate) fn email() -> Email {
    Email {
        message_id: "018f0000-0000-7000-8000-000000000001".to_owned(),
        from: "Ashlar <no-reply@example.com>".to_owned(),
        to: "ada@example.com".to_owned(),
        subject: "Welcome, zażółć \"Ada\"".to_owned(),
        text: Secret::new("Line one\nhttps://example.com/?token=a&b=c\n"),
        html: Secret::new("<p><a href=\"https://example.com/?token=a&amp;b=c\">Go</a></p>"),
    }
}

/// The body of the one request that `server` got.
pub(crate) async fn only_body(server: &MockServer) -> Value {
    let requests = server.received_requests().await.expect("requests are recorded");
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests[0].body_json().expect("JSON")
}

/// Takes what is well-formed, each time anew: SendGrid does not recognise a repetition.
#[derive(Default)]
pub(crate) struct Taking(Mutex<Vec<Value>>);

impl Taking {
    pub(crate) fn mails(&self) -> Vec<Value> {
        self.0.lock().expect("not poisoned").clone()
    }

    fn take(&self, request: &Request) -> ResponseTemplate {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        if header("authorization") != Some(&format!("Bearer {KEY}")) {
            return complaint(401, Value::Null, "The provided authorization grant is invalid");
        }
        if header("content-type") != Some("application/json") {
            return complaint(415, Value::Null, "Content-Type should be application/json.");
        }
        let Ok(mail) = request.body_json::<Value>() else {
            return complaint(400, Value::Null, "Bad Request");
        };
        if let Some((field, what)) = mistake(&mail) {
            return complaint(400, json!(field), what);
        }
        let mut mails = self.0.lock().expect("not poisoned");
        mails.push(mail);
        ResponseTemplate::new(202)
            .insert_header("X-Message-Id", format!("reference-{}", mails.len()))
    }
}

/// What the API's reference says of the members that we use.
fn mistake(mail: &Value) -> Option<(&'static str, &'static str)> {
    let is_address = |value: &Value| value["email"].as_str().is_some_and(|text| text.contains('@'));
    let types: Vec<&str> =
        mail["content"].as_array()?.iter().filter_map(|part| part["type"].as_str()).collect();
    let long = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    if !is_address(&mail["from"]) {
        return Some(("from.email", "Does not contain a valid address."));
    }
    if !is_address(&mail["personalizations"][0]["to"][0]) {
        return Some(("personalizations.0.to.0.email", "Does not contain a valid address."));
    }
    if !long(&mail["subject"]) {
        return Some(("subject", "The subject is required."));
    }
    if types != ["text/plain", "text/html"] {
        return Some(("content", "text/plain must be first, followed by text/html."));
    }
    (!mail["content"].as_array()?.iter().all(|part| long(&part["value"])))
        .then_some(("content.0.value", "The content value must be at least one character."))
}

pub(crate) fn complaint(status: u16, field: Value, message: &str) -> ResponseTemplate {
    let body = json!({ "errors": [{ "message": message, "field": field, "help": null }] });
    ResponseTemplate::new(status).set_body_json(body)
}

/// Lets the test keep what the server remembers.
pub(crate) struct Shared(pub(crate) std::sync::Arc<Taking>);

impl Respond for Shared {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.0.take(request)
    }
}
