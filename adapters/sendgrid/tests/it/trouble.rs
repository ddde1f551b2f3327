//! No answer, half an answer, and what must not be told.

use std::{error::Error, time::Duration};

use notifications_api::{EmailError, EmailSender};
use sendgrid::{SendGridConfig, SendGridError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::ResponseTemplate;

use crate::provider::{KEY, answering, email, key, sender_to, sender_with};

/// Why the mail waits.
async fn why(url: &str, patience: Duration) -> SendGridError {
    match sender_with(url, patience).send(&email()).await {
        Err(EmailError::Temporary(source)) => {
            *source.downcast::<SendGridError>().expect("the adapter's own error")
        }
        other => panic!("{other:?}"),
    }
}

/// Longer than any test runs.
const FOR_EVER: Duration = Duration::from_secs(3_600);
const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn no_answer_in_time_leaves_it_unknown() {
    let server = answering(ResponseTemplate::new(202).set_delay(FOR_EVER)).await;
    let error = why(&server.uri(), Duration::from_millis(50)).await;
    assert!(matches!(error, SendGridError::Late(_)), "{error:?}");
}

#[tokio::test]
async fn a_refused_connection_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let error = why(&format!("http://{address}"), LONG).await;
    assert!(matches!(error, SendGridError::Unreachable(_)), "{error:?}");
}

/// Reads a request's head and the beginning of its body, says `answer`, and hangs up.
async fn hanging_up_after(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let mut request = vec![0; 64 * 1024];
        let _ = connection.read(&mut request).await.expect("a request");
        connection.write_all(answer).await.expect("sent");
    });
    url
}

#[tokio::test]
async fn a_connection_that_breaks_off_leaves_it_unknown() {
    for answer in [&b""[..], b"HTTP/1.1 20", b"nonsense\r\n\r\n"] {
        let error = why(&hanging_up_after(answer).await, LONG).await;
        assert!(matches!(error, SendGridError::Broken(_)), "{error:?}");
    }
}

/// The head says that the mail is queued; whatever becomes of the rest.
#[tokio::test]
async fn a_202_whose_body_breaks_off_is_accepted() {
    let answer = b"HTTP/1.1 202 Accepted\r\nx-message-id: r\r\ncontent-length: 9\r\n\r\nha";
    let accepted = sender_to(&hanging_up_after(answer).await).send(&email()).await;
    assert_eq!(accepted.expect("accepted").reference.as_deref(), Some("r"));
}

#[tokio::test]
async fn neither_key_nor_mail_is_told() {
    let config = SendGridConfig::new(key());
    let server = answering(ResponseTemplate::new(202).set_delay(FOR_EVER)).await;
    let sender = sender_with(&server.uri(), Duration::from_millis(50));
    let error = sender.send(&email()).await.expect_err("nobody answers");
    let mut told = format!("{config:?} {sender:?} {error:?} {error}");
    let mut source = error.source();
    while let Some(error) = source {
        told += &format!(" {error:?} {error}");
        source = error.source();
    }
    for secret in [KEY, "token", "ada@example.com", "Welcome"] {
        assert!(!told.contains(secret), "`{secret}` is in {told}");
    }
}
