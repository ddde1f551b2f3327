//! Secrets that must lie in a database, an event or a cursor for a while.

use std::{fmt, path::Path};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use kernel::Secret;
use rand::RngExt;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{KeyError, private_file};

/// The format of what is sealed, which may change one day.
const VERSION: &str = "s1";
const NONCE: usize = 24;

/// Seals and opens with XChaCha20-Poly1305, whose nonces are long enough to be drawn at random
/// (draft-irtf-cfrg-xchacha).
///
/// What was sealed for one purpose does not open for another.
pub struct Sealer {
    /// The first seals, all open.
    keys: Vec<SealingKey>,
}

struct SealingKey {
    kid: String,
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// Seals and opens with `key`.
    #[must_use]
    pub fn from_key(key: &[u8; 32]) -> Self {
        Self { keys: vec![SealingKey::new(key)] }
    }

    /// Reads the keys at `path`, one a line: the first seals, and all open, so that a new key is
    /// put above the old one. Where there is no file, makes one, readable by its owner alone.
    ///
    /// # Errors
    /// The file can be neither read nor written, or holds something else.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let text = private_file::read_or_create(path, || {
            let mut key = Zeroizing::new([0_u8; 32]);
            rand::rng().fill(&mut *key);
            Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(*key) + "\n"))
        })?;
        Self::parse(&text).map_err(|error| error.in_file(path))
    }

    /// Seals `plaintext` for `purpose`, such as `mail.token`. Twice the same gives two different
    /// texts; either is safe in a JSON string or a URL.
    ///
    /// # Errors
    /// [`SealError::TooLong`] beyond 256 GiB.
    pub fn seal(&self, plaintext: &str, purpose: &str) -> Result<String, SealError> {
        let key = self.keys.first().ok_or(SealError::UnknownKey)?;
        let nonce: [u8; NONCE] = rand::rng().random();
        let associated = associated_data(&key.kid, purpose);
        let payload = Payload { msg: plaintext.as_bytes(), aad: associated.as_bytes() };
        let sealed =
            key.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::TooLong)?;
        let body = URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat());
        Ok(format!("{VERSION}.{}.{body}", key.kid))
    }

    /// Opens what was sealed for `purpose`.
    ///
    /// # Errors
    /// It is not sealed, was altered, was sealed for another purpose, or its key is not here.
    pub fn open(&self, sealed: &str, purpose: &str) -> Result<Secret, SealError> {
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(kid), Some(body), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SealError::Malformed);
        };
        let key = self.keys.iter().find(|key| key.kid == kid).ok_or(SealError::UnknownKey)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| SealError::Malformed)?;
        let (nonce, sealed) = body.split_first_chunk::<NONCE>().ok_or(SealError::Malformed)?;
        let associated = associated_data(kid, purpose);
        let payload = Payload { msg: sealed, aad: associated.as_bytes() };
        let plaintext =
            key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Forged)?;
        String::from_utf8(plaintext).map(Secret::from).map_err(|_| SealError::Malformed)
    }

    fn parse(text: &str) -> Result<Self, KeyError> {
        let keys = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| {
                let bytes =
                    Zeroizing::new(URL_SAFE_NO_PAD.decode(line).map_err(|_| KeyError::Sealing)?);
                let key: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| KeyError::Sealing)?;
                Ok(SealingKey::new(key))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(KeyError::Sealing) } else { Ok(Self { keys }) }
    }
}

impl SealingKey {
    fn new(key: &[u8; 32]) -> Self {
        // The name tells two keys apart and says nothing about them.
        let digest = Sha256::new().chain_update("ashlar sealing key").chain_update(key).finalize();
        Self {
            kid: URL_SAFE_NO_PAD.encode(&digest[..9]),
            cipher: XChaCha20Poly1305::new(key.into()),
        }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids: Vec<&str> = self.keys.iter().map(|key| key.kid.as_str()).collect();
        f.debug_struct("Sealer").field("kids", &kids).finish_non_exhaustive()
    }
}

/// A purpose may hold any character: it comes last.
fn associated_data(kid: &str, purpose: &str) -> String {
    format!("{VERSION}.{kid}.{purpose}")
}

/// Why a secret could not be sealed or opened. Holds no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not something that was sealed here.
    #[error("this is not sealed text")]
    Malformed,
    /// Sealed with a key that is not here.
    #[error("the key that it was sealed with is not here")]
    UnknownKey,
    /// Altered, or sealed for another purpose.
    #[error("it was altered, or sealed for another purpose")]
    Forged,
    /// More than the cipher takes.
    #[error("it is too long to be sealed")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone() {
        let sealer = Sealer::from_key(&[7; 32]);
        let sealed = sealer.seal("a reset token", "mail.token").expect("sealed");
        assert!(!sealed.contains("reset"), "{sealed}");
        let opened = sealer.open(&sealed, "mail.token").expect("opened");
        assert_eq!(opened.expose(), "a reset token");
        assert_eq!(sealer.open(&sealed, "cursor"), Err(SealError::Forged));
        assert_ne!(sealer.seal("a reset token", "mail.token"), Ok(sealed));
    }

    #[test]
    fn every_altered_character_is_found() {
        let sealer = Sealer::from_key(&[7; 32]);
        let sealed = sealer.seal("text", "p").expect("sealed");
        for position in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).expect("ASCII");
            assert!(sealer.open(&altered, "p").is_err(), "position {position}: {altered}");
        }
        for odd in ["", "s1", "s1.x.", "s1..", "s2.a.b", "s1.a.b.c"] {
            assert!(sealer.open(odd, "p").is_err(), "{odd}");
        }
    }

    #[test]
    fn an_old_key_still_opens_and_a_lost_one_does_not() {
        let line = |byte| URL_SAFE_NO_PAD.encode([byte; 32]);
        let old = Sealer::parse(&line(1)).expect("a key");
        let sealed = old.seal("text", "p").expect("sealed");
        let rotated = Sealer::parse(&format!("{}\n{}\n", line(2), line(1))).expect("two keys");
        assert_eq!(rotated.open(&sealed, "p").expect("opened").expose(), "text");
        let newer = rotated.seal("text", "p").expect("sealed");
        assert_eq!(old.open(&newer, "p"), Err(SealError::UnknownKey));
        for odd in ["", "\n", "AAAA", "not base64!"] {
            assert!(matches!(Sealer::parse(odd), Err(KeyError::Sealing)), "{odd}");
        }
    }

    #[test]
    fn a_key_is_made_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("sealing.key");
        let sealed = Sealer::load_or_create(&path).expect("made").seal("text", "p");
        let opened =
            Sealer::load_or_create(&path).expect("read").open(&sealed.expect("sealed"), "p");
        assert_eq!(opened.expect("opened").expose(), "text");
    }
}
