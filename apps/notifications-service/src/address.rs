//! Whom mails are from.

/// Whether `text` is `local@domain` or `Name <local@domain>`: what RFC 5322 §3.4 calls a mailbox,
/// without its comments and quoted local parts.
pub(crate) fn is_sender(text: &str) -> bool {
    let address = match text.strip_suffix('>') {
        Some(named) => match named.split_once('<') {
            Some((name, address)) if !name.trim().is_empty() => address,
            _ => return false,
        },
        None => text,
    };
    let plain = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>@,;:".contains(c))
    };
    let parts = address.split_once('@');
    !text.contains(char::is_control)
        && parts.is_some_and(|(local, domain)| plain(local) && plain(domain))
}

#[cfg(test)]
mod tests {
    use super::is_sender;

    #[test]
    fn a_sender_is_one_address_with_or_without_a_name() {
        for good in [crate::DEFAULT_FROM, "no-reply@example.com", "Ex, Inc. <a.b+c@example.com>"] {
            assert!(is_sender(good), "{good}");
        }
        for bad in [
            "",
            "Example",
            "no-reply@",
            "@example.com",
            "a@b@example.com",
            "<no-reply@example.com>",
            "Example <no-reply@example.com",
            "Example no-reply@example.com",
            "a@example.com, b@example.com",
            "Example\r\nBcc: x <no-reply@example.com>",
        ] {
            assert!(!is_sender(bad), "{bad}");
        }
    }
}
