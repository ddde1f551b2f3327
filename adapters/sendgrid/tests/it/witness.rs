//! SendGrid's own Python library wrote the fixture: see `tests/witness/build_mail.py`.

use notifications_api::EmailSender;
use serde_json::Value;
use wiremock::ResponseTemplate;

use crate::provider::{answering, email, only_body, sender_to};

#[tokio::test]
async fn the_owners_library_builds_the_same_mail() {
    let theirs: Value =
        serde_json::from_str(include_str!("../witness/mail.json")).expect("the fixture is JSON");
    let server = answering(ResponseTemplate::new(202)).await;
    sender_to(&server.uri()).send(&email()).await.expect("accepted");
    assert_eq!(only_body(&server).await, theirs);
}
