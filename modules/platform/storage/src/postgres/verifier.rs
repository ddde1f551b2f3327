//! What PostgreSQL keeps of a password, made here: sent in its place, the password itself is in no
//! statement, and so in no log of the server's or ours.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use kernel::Secret;
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

/// PostgreSQL's own (`scram_iterations`).
const ITERATIONS: u32 = 4096;

/// A password that is not taken: other letters would have to be normalised (RFC 4013) in the very
/// way that the server does it.
#[derive(Debug, thiserror::Error)]
#[error("the password of a role is printable ASCII; this one is not, or is empty")]
pub(super) struct NotAscii;

/// The SCRAM-SHA-256 verifier of `password` (RFC 5802, RFC 7677), as PostgreSQL writes it.
pub(super) fn of(password: &Secret) -> Result<String, NotAscii> {
    let password = password.expose();
    if password.is_empty() || !password.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(NotAscii);
    }
    let salt: [u8; 16] = rand::rng().random();
    let Keys { stored, server } = keys(password, &salt, ITERATIONS);
    let [salt, stored, server] = [&salt[..], &stored, &server].map(|part| STANDARD.encode(part));
    Ok(format!("SCRAM-SHA-256${ITERATIONS}:{salt}${stored}:{server}"))
}

struct Keys {
    stored: [u8; 32],
    server: [u8; 32],
}

fn keys(password: &str, salt: &[u8], iterations: u32) -> Keys {
    let salted = salted(password.as_bytes(), salt, iterations);
    let client = hmac(&salted, b"Client Key");
    Keys { stored: Sha256::digest(client).into(), server: hmac(&salted, b"Server Key") }
}

/// `Hi` of RFC 5802: one block of PBKDF2.
fn salted(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut last = hmac(password, &[salt, &1_u32.to_be_bytes()].concat());
    let mut sum = last;
    for _ in 1..iterations {
        last = hmac(password, &last);
        for (sum, last) in sum.iter_mut().zip(last) {
            *sum ^= last;
        }
    }
    sum
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3.
    #[test]
    fn the_keys_are_those_of_the_standard() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        let keys = keys("pencil", &salt, 4096);
        let exchanged = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
             r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
             c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = hmac(&keys.server, exchanged.as_bytes());
        let expected = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(STANDARD.encode(signature), expected);

        // The client's proof, less what the stored key signs, is what the stored key is a hash of.
        let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let proof = STANDARD.decode(proof).expect("base64");
        let signature = hmac(&keys.stored, exchanged.as_bytes());
        let client: Vec<u8> = proof.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(Sha256::digest(client)[..], keys.stored);
    }

    #[test]
    fn a_verifier_says_nothing_of_the_password() {
        let password = Secret::from("it's a secret".to_owned());
        let verifier = of(&password).expect("a verifier");
        assert!(verifier.starts_with("SCRAM-SHA-256$4096:"), "{verifier}");
        assert!(!verifier.contains("secret") && !verifier.contains('\''));
        assert_ne!(verifier, of(&password).expect("another"), "salted");
    }

    #[test]
    fn letters_that_would_be_normalised_are_refused() {
        for password in ["", "pässword", "two\nlines"] {
            assert!(of(&Secret::from(password.to_owned())).is_err(), "{password:?}");
        }
    }
}
