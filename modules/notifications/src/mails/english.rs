//! The mails in English. Another language is another file beside this one.

use kernel::{Role, Secret, Timestamp};
use time::{format_description::BorrowedFormatItem, macros::format_description};

use super::{
    MailContent,
    letter::{Button, Letter},
    line::{NAME, one_line},
};

const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");

/// Puts `content` into words. `link` is there where [`MailContent::link`] is.
pub(crate) fn letter(content: &MailContent, link: Option<Secret>) -> Letter {
    let button = |label| link.map(|link| Button { label, link });
    match content {
        MailContent::VerifyEmail { name, expires_at } => Letter {
            language: "en",
            subject: "Verify your e-mail address".to_owned(),
            greeting: hello(name),
            paragraphs: vec![
                "Please confirm that this is your address. You can sign in once you have."
                    .to_owned(),
            ],
            button: button("Verify the address"),
            closing: Some(format!(
                "The link works once, until {}. If you did not sign up, ignore this mail.",
                moment(*expires_at)
            )),
        },
        MailContent::Invitation { tenant_name, role, expires_at } => {
            let tenant = one_line(tenant_name, NAME);
            Letter {
                language: "en",
                subject: format!("You are invited to join {tenant}"),
                greeting: "Hello,".to_owned(),
                paragraphs: vec![format!("{tenant} invites you to join as {}.", a_role(*role))],
                button: button("Accept the invitation"),
                closing: Some(format!(
                    "The link works once, until {}. If you do not know who this is, ignore this \
                     mail.",
                    moment(*expires_at)
                )),
            }
        }
        MailContent::InvoicePaid { name, number, total } => {
            let number = one_line(number, NAME);
            Letter {
                language: "en",
                subject: format!("Invoice {number} is paid"),
                greeting: hello(name),
                paragraphs: vec![format!("We have received {total} for invoice {number}.")],
                button: None,
                closing: Some("Thank you.".to_owned()),
            }
        }
        MailContent::PaymentFailed { name, amount } => Letter {
            language: "en",
            subject: "Your payment failed".to_owned(),
            greeting: hello(name),
            paragraphs: vec![format!(
                "{amount} could not be charged, so no subscription was started."
            )],
            button: None,
            closing: Some("Please try again, perhaps with another payment method.".to_owned()),
        },
    }
}

fn hello(name: &str) -> String {
    format!("Hello {},", one_line(name, NAME))
}

/// A role in a sentence.
pub(crate) const fn a_role(role: Role) -> &'static str {
    match role {
        Role::Member => "a member",
        Role::Admin => "an admin",
        Role::Owner => "an owner",
    }
}

/// To the minute, for people; RFC 3339 where the calendar's words fail.
fn moment(at: Timestamp) -> String {
    at.to_offset_date_time().format(TIME).unwrap_or_else(|_| at.to_string())
}

#[cfg(test)]
mod tests {
    use kernel::{Currency, Money};

    use super::*;
    use crate::mails::letter::Addressing;

    /// A mail as its reader gets it.
    fn shown(content: &MailContent) -> String {
        let link = content
            .link()
            .map(|link| Secret::new(format!("https://app.example.com{}?token=T0-k_n", link.path)));
        let email = letter(content, link).to_email(Addressing {
            message_id: "m-1",
            from: "Ashlar <no-reply@example.com>",
            to: "ada@example.com",
        });
        format!(
            "From: {}\nTo: {}\nSubject: {}\n\n{}\n{}",
            email.from,
            email.to,
            email.subject,
            email.text.expose(),
            email.html.expose()
        )
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn verification() {
        insta::assert_snapshot!(shown(&MailContent::VerifyEmail {
            name: "Ada Lovelace".to_owned(),
            expires_at: at("2026-03-02T09:05:59Z"),
        }));
    }

    #[test]
    fn invitation() {
        insta::assert_snapshot!(shown(&MailContent::Invitation {
            tenant_name: "Analytical Engines".to_owned(),
            role: Role::Admin,
            expires_at: at("2026-03-08T12:00:00Z"),
        }));
    }

    #[test]
    fn invoice_paid() {
        insta::assert_snapshot!(shown(&MailContent::InvoicePaid {
            name: "Ada Lovelace".to_owned(),
            number: "INV-000001".to_owned(),
            total: Money::new(2900, Currency::EUR),
        }));
    }

    #[test]
    fn payment_failed() {
        insta::assert_snapshot!(shown(&MailContent::PaymentFailed {
            name: "Ada Lovelace".to_owned(),
            amount: Money::new(2900, Currency::EUR),
        }));
    }

    #[test]
    fn what_strangers_write_stays_text_on_one_line() {
        let hostile = "<script>alert(\"1\")</script>\r\nBcc: all@example.com & 'co'";
        insta::assert_snapshot!(shown(&MailContent::Invitation {
            tenant_name: hostile.to_owned(),
            role: Role::Member,
            expires_at: at("2026-03-08T12:00:00Z"),
        }));
        insta::assert_snapshot!(shown(&MailContent::VerifyEmail {
            name: hostile.to_owned(),
            expires_at: at("2026-03-08T12:00:00Z"),
        }));
    }
}
