//! Tokens that are sent in a link and used once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Secret, sha256_hex};
use rand::RngExt;

/// A token for a link, and what is stored in its place.
#[derive(Debug)]
pub struct OneTimeToken;

impl OneTimeToken {
    /// A new token of 32 random bytes in base64url, and its [`hash_token`], the only thing to
    /// store.
    #[must_use]
    pub fn generate() -> (Secret, String) {
        let bytes: [u8; 32] = rand::rng().random();
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let hash = hash_token(&token);
        (Secret::from(token), hash)
    }
}

/// The SHA-256 of a token in hexadecimal. A fast hash is enough: 32 random bytes cannot be
/// guessed, unlike a password.
#[must_use]
pub fn hash_token(token: &str) -> String {
    sha256_hex(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_token("abc"), expected);
    }

    #[test]
    fn a_token_is_long_unique_and_found_by_its_hash() {
        let ((first, hash), (second, _)) = (OneTimeToken::generate(), OneTimeToken::generate());
        assert_eq!(first.expose().len(), 43);
        assert_ne!(first, second);
        assert_eq!(hash_token(first.expose()), hash);
    }
}
