//! The header `Stripe-Signature` (<https://docs.stripe.com/webhooks#verify-manually>).
//!
//! `t=1700000000,v1=5257a8…,v1=…,v0=…`: when it was signed, in seconds, and HMAC-SHA256 of
//! `<t>.<body>` in hexadecimal, by each of the endpoint's secrets. Other schemes than `v1` are not
//! for us.

use billing_api::WebhookRefusal;
use hmac::{Hmac, Mac};
use kernel::{Secret, Timestamp};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// How far from now a signature may be, either way. Stripe's libraries have the same bound for the
/// past and none for the future; a signature for a time to come could be kept and used then.
const TOLERANCE: u64 = 300;

/// More signatures than any rotation makes: what is sent by anybody costs little.
const MOST_SIGNATURES: usize = 16;

pub(super) fn verify(
    header: &[u8],
    body: &[u8],
    secrets: &[Secret],
    now: Timestamp,
) -> Result<(), WebhookRefusal> {
    let signed = Signed::parse(header).ok_or(WebhookRefusal::Unsigned)?;
    // The time is part of what is signed, and means nothing before the signature fits.
    if !signed.fits(body, secrets) {
        return Err(WebhookRefusal::WrongSignature);
    }
    match now.unix_seconds().abs_diff(signed.at) {
        seconds if seconds > TOLERANCE => Err(WebhookRefusal::OutOfTime { seconds }),
        _ => Ok(()),
    }
}

struct Signed<'h> {
    /// As it stands in the header, which is how it was signed.
    time: &'h str,
    at: i64,
    signatures: Vec<&'h str>,
}

impl<'h> Signed<'h> {
    /// `None` where there is not exactly one time, or no signature.
    fn parse(header: &'h [u8]) -> Option<Self> {
        let header = std::str::from_utf8(header).ok()?;
        let (mut time, mut signatures) = (None, Vec::new());
        for item in header.split(',') {
            match item.trim().split_once('=')? {
                ("t", value) if time.replace(value).is_some() => return None,
                ("v1", value) => signatures.push(value),
                _ => {}
            }
        }
        let time = time.filter(|time| time.bytes().all(|byte| byte.is_ascii_digit()))?;
        let at = time.parse().ok()?;
        let some = (1..=MOST_SIGNATURES).contains(&signatures.len());
        some.then_some(Self { time, at, signatures })
    }

    /// Whether any signature is by any secret. Takes as long whichever it is, and wherever two
    /// differ.
    fn fits(&self, body: &[u8], secrets: &[Secret]) -> bool {
        let mut fits = Choice::from(0);
        for secret in secrets {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
                continue;
            };
            mac.update(self.time.as_bytes());
            mac.update(b".");
            mac.update(body);
            let expected = hex(&mac.finalize().into_bytes());
            for signature in &self.signatures {
                fits |= expected.as_bytes().ct_eq(signature.as_bytes());
            }
        }
        fits.into()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
