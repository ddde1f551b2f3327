use kernel::Secret;
use notifications_api::{
    Email, EmailSender,
    testing::{Arrivals, Arrived, Repetition, email_sender_contract},
};
use sandbox::{SandboxMailbox, SentMail};

struct Mailbox(SandboxMailbox);

#[async_trait::async_trait]
impl Arrivals for Mailbox {
    async fn at(&self, to: &str) -> Vec<Arrived> {
        let mails = self.0.read(Some(to), usize::MAX).expect("mails");
        let arrived = |mail: SentMail| Arrived {
            from: mail.from,
            subject: mail.subject,
            text: mail.text,
            html: mail.html,
        };
        mails.into_iter().rev().map(arrived).collect()
    }
}

#[tokio::test]
async fn keeps_the_contract_of_mail() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = || SandboxMailbox::open(directory.path()).expect("a mailbox");
    // Sent by one process, read by another.
    email_sender_contract(&open(), &Mailbox(open()), Repetition::SentOnce).await;
}

#[tokio::test]
async fn shows_the_newest_mails_first_with_their_links() {
    let directory = tempfile::tempdir().expect("a directory");
    let mailbox = SandboxMailbox::open(directory.path()).expect("a mailbox");
    for n in 1..=3 {
        mailbox.send(&email(n)).await.expect("accepted");
    }
    let mails = mailbox.read(Some(" ADA@example.test "), 2).expect("mails");
    let seen: Vec<_> = mails.iter().map(|mail| mail.message_id.as_str()).collect();
    assert_eq!(seen, ["m3", "m2"]);
    assert_eq!(mails[0].links, ["http://localhost/verify?token=t3", "http://localhost/?a=1&b=2"]);

    let everybody = mailbox.read(None, 10).expect("mails");
    assert_eq!(everybody.len(), 3);
    assert!(mailbox.read(Some("eve@example.test"), 10).expect("mails").is_empty());
}

#[tokio::test]
async fn debug_output_shows_no_link() {
    let directory = tempfile::tempdir().expect("a directory");
    let mailbox = SandboxMailbox::open(directory.path()).expect("a mailbox");
    mailbox.send(&email(1)).await.expect("accepted");
    let mails = mailbox.read(Some("ada@example.test"), 1).expect("mails");
    assert!(!format!("{mails:?}").contains("token"));
}

fn email(n: u8) -> Email {
    Email {
        message_id: format!("m{n}"),
        from: "Ashlar <no-reply@example.test>".to_owned(),
        to: "Ada@example.test".to_owned(),
        subject: "Welcome".to_owned(),
        text: Secret::new(format!("Open http://localhost/verify?token=t{n}.")),
        html: Secret::new(format!(
            "<a href='http://localhost/verify?token=t{n}'>open</a> <a href=\"http://localhost/?a=1&amp;b=2\">x</a>"
        )),
    }
}
