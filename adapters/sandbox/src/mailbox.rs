//! A mailbox that keeps every mail, to be read by people and by tests.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use kernel::{Clock, SystemClock, Timestamp};
use notifications_api::{Accepted, Email, EmailError, EmailSender};
use serde::{Deserialize, Serialize};

use crate::records::{Records, SandboxError, Written, blocking, digest};

/// Keeps mails instead of sending them. A repeated `message_id` keeps the first mail.
///
/// A mail is filed under its id, which makes it once-only, and again under its recipient, so that
/// looking for one person's mails does not read everybody's.
#[derive(Clone, Debug)]
pub struct SandboxMailbox {
    by_id: Records,
    directory: PathBuf,
}

impl SandboxMailbox {
    /// Keeps its mails in `directory`, which is made where it is missing.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, SandboxError> {
        let directory = directory.into();
        let by_id = Records::open(directory.join("by-id"))?;
        Ok(Self { by_id, directory })
    }

    /// At most `limit` mails, newest first: all of them, or those to one address (whose letter
    /// case does not matter). Blocks on files: an async caller runs it where that is allowed.
    ///
    /// # Errors
    /// The directory cannot be read, or holds something else.
    pub fn read(&self, to: Option<&str>, limit: usize) -> Result<Vec<SentMail>, SandboxError> {
        let records = match to {
            Some(to) => Records::at(recipient(&self.directory, to)),
            None => self.by_id.clone(),
        };
        let mut mails: Vec<SentMail> = records.read_all()?;
        mails.sort_by(|a, b| (b.sent_at, &b.message_id).cmp(&(a.sent_at, &a.message_id)));
        mails.truncate(limit);
        Ok(mails)
    }
}

/// A mail as it was sent. It may hold a link that signs somebody in: never log it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMail {
    /// The identity of the mail.
    pub message_id: String,
    /// Who it is from.
    pub from: String,
    /// One address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
    /// Every `http` and `https` link in the bodies, each once, in the order of the text.
    pub links: Vec<String>,
    /// When it was handed over.
    pub sent_at: Timestamp,
}

impl std::fmt::Debug for SentMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentMail")
            .field("message_id", &self.message_id)
            .field("subject", &self.subject)
            .field("sent_at", &self.sent_at)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EmailSender for SandboxMailbox {
    async fn send(&self, email: &Email) -> Result<Accepted, EmailError> {
        let mail = SentMail::new(email);
        let (by_id, directory) = (self.by_id.clone(), self.directory.clone());
        let kept = blocking(move || {
            // A sender that was cut off between the two files sends again, and files the rest.
            let kept = match by_id.write(&mail.message_id, &mail)? {
                Written::New => mail,
                Written::Before(first) => first,
            };
            let to = Records::open(recipient(&directory, &kept.to))?;
            to.write(&kept.message_id, &kept)?;
            Ok(kept)
        });
        let kept = kept.await.map_err(|error| EmailError::Temporary(Box::new(error)))?;
        if kept.to != email.to || kept.subject != email.subject {
            tracing::warn!(
                email.message_id = email.message_id,
                "another mail was sent under a message id that was used before; the first stays"
            );
        }
        // A mail is filed under the id that it came with; the sandbox gives it no other name.
        Ok(Accepted::default())
    }
}

impl SentMail {
    fn new(email: &Email) -> Self {
        let (text, html) = (email.text.expose(), email.html.expose());
        let mut links = links_in(text);
        for link in links_in(&html.replace("&amp;", "&")) {
            if !links.contains(&link) {
                links.push(link);
            }
        }
        Self {
            message_id: email.message_id.clone(),
            from: email.from.clone(),
            to: email.to.clone(),
            subject: email.subject.clone(),
            text: text.to_owned(),
            html: html.to_owned(),
            links,
            sent_at: SystemClock.now(),
        }
    }
}

fn recipient(directory: &Path, to: &str) -> PathBuf {
    directory.join("by-recipient").join(digest(&to.trim().to_lowercase()))
}

/// Links end at white space, quotes and angle brackets; the full stop of a sentence is not theirs.
fn links_in(text: &str) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    let words =
        text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '`'));
    for word in words {
        let start = ["http://", "https://"].iter().filter_map(|scheme| word.find(scheme)).min();
        let Some(start) = start else { continue };
        let link = word[start..].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        if !links.iter().any(|known| known == link) {
            links.push(link.to_owned());
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_in_sentences_and_in_attributes() {
        let text = "Go to http://127.0.0.1:8080/verify?token=a_b-c. Or (https://a.test/x?y=1&z=2)!";
        assert_eq!(
            links_in(text),
            ["http://127.0.0.1:8080/verify?token=a_b-c", "https://a.test/x?y=1&z=2"]
        );
        assert_eq!(links_in(r#"<a href="https://a.test/">here</a>"#), ["https://a.test/"]);
        assert!(links_in("no links, not even httpx://").is_empty());
    }
}
