//! Every status that SendGrid documents, and those that stand between.

use std::time::{SystemTime, UNIX_EPOCH};

use notifications_api::{Accepted, EmailError, EmailSender};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::provider::{answering, complaint, email, sender_to};

async fn send(answer: ResponseTemplate) -> Result<Accepted, EmailError> {
    let server = answering(answer).await;
    let outcome = sender_to(&server.uri()).send(&email()).await;
    let requests = server.received_requests().await.expect("requests are recorded");
    assert_eq!(requests.len(), 1, "the adapter repeats nothing by itself");
    outcome
}

/// Checks that the mail waits, and gives what the log will say.
async fn check_temporary(answer: ResponseTemplate) -> String {
    match send(answer).await {
        Err(EmailError::Temporary(source)) => source.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn check_refused(answer: ResponseTemplate) -> String {
    match send(answer).await {
        Err(EmailError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn accepted_202_has_a_reference() {
    let answer = ResponseTemplate::new(202).insert_header("X-Message-Id", "14c5d75ce93.dfd.64b469");
    let accepted = send(answer).await.expect("accepted");
    assert_eq!(accepted.reference.as_deref(), Some("14c5d75ce93.dfd.64b469"));
}

#[tokio::test]
async fn accepted_202_without_a_reference_is_accepted_all_the_same() {
    assert_eq!(send(ResponseTemplate::new(202)).await.expect("accepted"), Accepted::default());
}

#[tokio::test]
async fn other_successes_are_none() {
    // 200 is the answer of SendGrid's own sandbox mode, which queues nothing.
    for status in [200, 201, 204] {
        let told = check_temporary(ResponseTemplate::new(status)).await;
        assert_eq!(told, format!("SendGrid answered {status}"));
    }
}

#[tokio::test]
async fn bad_request_400_of_the_recipient_refuses_the_mail() {
    let field = json!("personalizations.0.to.0.email");
    let why = check_refused(complaint(400, field, "ada@ is not a valid address.")).await;
    assert_eq!(why, "personalizations.0.to.0.email: ada@ is not a valid address.");
}

#[tokio::test]
async fn bad_request_400_of_the_sender_loses_no_mail() {
    let answer = complaint(400, json!("from.email"), "The from email is not a valid address.");
    let told = check_temporary(answer).await;
    assert_eq!(told, "SendGrid answered 400; from.email: The from email is not a valid address.");
}

#[tokio::test]
async fn bad_request_400_without_a_reason_loses_no_mail() {
    check_temporary(ResponseTemplate::new(400)).await;
    check_temporary(ResponseTemplate::new(400).set_body_string("<html>")).await;
    check_temporary(complaint(400, Value::Null, "Bad Request")).await;
}

#[tokio::test]
async fn unauthorized_401_waits_for_an_operator() {
    let says = "The provided authorization grant is invalid, expired, or revoked";
    let told = check_temporary(complaint(401, Value::Null, says)).await;
    assert_eq!(told, format!("SendGrid answered 401; {says}"));
}

#[tokio::test]
async fn forbidden_403_waits_for_an_operator() {
    let says = "The from address does not match a verified Sender Identity.";
    let told = check_temporary(complaint(403, json!("from"), says)).await;
    assert_eq!(told, format!("SendGrid answered 403; from: {says}"));
}

#[tokio::test]
async fn answers_of_something_else_than_the_api_lose_no_mail() {
    for status in [301, 302, 404, 405, 406, 415, 422, 451] {
        let told = check_temporary(ResponseTemplate::new(status)).await;
        assert_eq!(told, format!("SendGrid answered {status}"));
    }
}

#[tokio::test]
async fn payload_too_large_413_refuses_the_mail() {
    let why = check_refused(ResponseTemplate::new(413)).await;
    assert_eq!(why, "413 Payload Too Large");
}

#[tokio::test]
async fn too_many_requests_429_keeps_quiet_until_the_reset() {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let reset =
        |at: u64| ResponseTemplate::new(429).insert_header("X-RateLimit-Reset", at.to_string());
    let server = answering(reset(seconds + 3_600)).await;
    let sender = sender_to(&server.uri());
    for _ in 0..3 {
        let refused = sender.send(&email()).await;
        assert!(matches!(refused, Err(EmailError::Temporary(_))), "{refused:?}");
    }
    let requests = server.received_requests().await.expect("requests are recorded");
    assert_eq!(requests.len(), 1, "SendGrid was asked again before its reset");

    // A reset that is over, none, or none that can be read holds nothing up.
    let answers = [reset(seconds - 1), ResponseTemplate::new(429), {
        ResponseTemplate::new(429).insert_header("X-RateLimit-Reset", "soon")
    }];
    for answer in answers {
        let server = answering(answer).await;
        let sender = sender_to(&server.uri());
        for _ in 0..2 {
            assert!(matches!(sender.send(&email()).await, Err(EmailError::Temporary(_))));
        }
        assert_eq!(server.received_requests().await.expect("recorded").len(), 2);
    }
}

#[tokio::test]
async fn server_errors_5xx_are_tried_again_later() {
    for status in [500, 502, 503, 504] {
        let told = check_temporary(ResponseTemplate::new(status)).await;
        assert_eq!(told, format!("SendGrid answered {status}"));
    }
}

#[tokio::test]
async fn what_quotes_an_address_is_not_for_the_log() {
    let says = "The from address ada@example.com is not verified.";
    let told = check_temporary(complaint(403, json!("from"), says)).await;
    assert!(!told.contains("ada@"), "{told}");
}
