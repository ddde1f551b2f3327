//! The layout of a mail: the same words as plain text and as HTML.

use kernel::Secret;
use notifications_api::Email;

use super::line::{SUBJECT, escape_html, one_line};

/// A mail's words, in one language. Whoever writes one has put what strangers wrote through
/// [`one_line`]; escaping is done here, for all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    /// BCP 47.
    pub language: &'static str,
    pub subject: String,
    pub greeting: String,
    pub paragraphs: Vec<String>,
    /// What the reader is asked to do, where there is something.
    pub button: Option<Button>,
    /// What follows the button.
    pub closing: Option<String>,
}

/// A link to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Button {
    pub label: &'static str,
    pub link: Secret,
}

/// The identity and the addresses of a mail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addressing<'a> {
    pub message_id: &'a str,
    pub from: &'a str,
    pub to: &'a str,
}

impl Letter {
    /// Puts the words on paper.
    pub(crate) fn to_email(&self, addressing: Addressing<'_>) -> Email {
        Email {
            message_id: addressing.message_id.to_owned(),
            from: addressing.from.to_owned(),
            to: addressing.to.to_owned(),
            subject: self.subject_line(),
            text: Secret::new(self.to_text()),
            html: Secret::new(self.to_html()),
        }
    }

    fn subject_line(&self) -> String {
        one_line(&self.subject, SUBJECT)
    }

    /// The link stands on a line of its own, so that nothing after it is taken for a part of it.
    fn to_text(&self) -> String {
        let mut parts = vec![self.greeting.clone()];
        parts.extend(self.paragraphs.iter().cloned());
        if let Some(button) = &self.button {
            parts.push(format!("{}:\n{}", button.label, button.link.expose()));
        }
        parts.extend(self.closing.clone());
        let mut text = parts.join("\n\n");
        text.push('\n');
        text
    }

    fn to_html(&self) -> String {
        let paragraph = |text: &str| format!("<p>{}</p>\n", escape_html(text));
        let mut body = paragraph(&self.greeting);
        body.extend(self.paragraphs.iter().map(|text| paragraph(text)));
        if let Some(button) = &self.button {
            let link = escape_html(button.link.expose());
            body.push_str(&format!(
                "<p><a href=\"{link}\">{}</a></p>\n",
                escape_html(button.label)
            ));
        }
        body.extend(self.closing.as_deref().map(paragraph));
        format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <title>{}</title>\n</head>\n<body style=\"font-family: sans-serif\">\n{body}</body>\n</html>\n",
            self.language,
            escape_html(&self.subject_line()),
        )
    }
}
