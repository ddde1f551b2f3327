//! A mail as SendGrid takes it.

use notifications_api::Email;
use serde::Serialize;

/// The body of `POST /v3/mail/send`. It holds secrets in clear, so it has no `Debug`.
#[derive(Serialize)]
pub(crate) struct Mail<'a> {
    from: Address<'a>,
    subject: &'a str,
    personalizations: [Personalization<'a>; 1],
    /// The plain one first: the API refuses another order.
    content: [Content<'a>; 2],
    headers: Headers<'a>,
    custom_args: CustomArgs<'a>,
    tracking_settings: TrackingSettings,
}

#[derive(Serialize)]
struct Address<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct Personalization<'a> {
    to: [Address<'a>; 1],
}

#[derive(Serialize)]
struct Content<'a> {
    r#type: &'static str,
    value: &'a str,
}

/// Reaches the recipient.
#[derive(Serialize)]
struct Headers<'a> {
    #[serde(rename = "X-Ashlar-Message-Id")]
    message_id: &'a str,
}

/// Comes back in the events of SendGrid's webhook.
#[derive(Serialize)]
struct CustomArgs<'a> {
    message_id: &'a str,
}

/// Whatever the account is set to: a link that signs somebody in must not pass through a click
/// counter, which would see it, and no footer is put under a mail that nobody subscribed to.
#[derive(Default, Serialize)]
struct TrackingSettings {
    click_tracking: ClickTracking,
    open_tracking: Off,
    subscription_tracking: Off,
    ganalytics: Off,
}

#[derive(Default, Serialize)]
struct ClickTracking {
    enable: bool,
    enable_text: bool,
}

#[derive(Default, Serialize)]
struct Off {
    enable: bool,
}

impl<'a> Mail<'a> {
    pub(crate) fn of(email: &'a Email) -> Self {
        let Email { message_id, from, to, subject, text, html } = email;
        Self {
            from: Address::parse(from),
            subject,
            personalizations: [Personalization { to: [Address::parse(to)] }],
            content: [
                Content { r#type: "text/plain", value: text.expose() },
                Content { r#type: "text/html", value: html.expose() },
            ],
            headers: Headers { message_id },
            custom_args: CustomArgs { message_id },
            tracking_settings: TrackingSettings::default(),
        }
    }
}

impl<'a> Address<'a> {
    /// `Name <local@domain>` or `local@domain`; what is neither goes out as it stands, to be
    /// refused by who knows addresses best.
    fn parse(text: &'a str) -> Self {
        let named = text.strip_suffix('>').and_then(|named| named.split_once('<'));
        match named {
            Some((name, email)) => {
                let name = name.trim().trim_matches('"');
                Self { email, name: Some(name).filter(|name| !name.is_empty()) }
            }
            None => Self { email: text, name: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_name_is_parted_from_its_address() {
        for (text, email, name) in [
            ("a@example.com", "a@example.com", None),
            ("Ashlar <a@example.com>", "a@example.com", Some("Ashlar")),
            ("Ex, Inc. <a@example.com>", "a@example.com", Some("Ex, Inc.")),
            ("\"Ex, Inc.\" <a@example.com>", "a@example.com", Some("Ex, Inc.")),
            ("<a@example.com>", "a@example.com", None),
            ("nonsense", "nonsense", None),
        ] {
            let parsed = Address::parse(text);
            assert_eq!((parsed.email, parsed.name), (email, name), "{text}");
        }
    }
}
