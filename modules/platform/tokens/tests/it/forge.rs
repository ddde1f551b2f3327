//! Tokens that no honest program would make.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::Signer;
use serde_json::Value;

/// A key whose private half the test knows.
pub(crate) struct Forger {
    key: ed25519_dalek::SigningKey,
}

impl Forger {
    pub(crate) fn new(seed: u8) -> Self {
        Self { key: ed25519_dalek::SigningKey::from_bytes(&[seed; 32]) }
    }

    pub(crate) fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": x})
    }

    pub(crate) fn kid(&self) -> String {
        let key = tokens::PublicKey::from_jwk(&self.jwk()).expect("a key");
        key.kid().to_owned()
    }

    /// Signs whatever it is given.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.key.sign(message.as_bytes()).to_bytes();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A part of a token: 0 is the header, 1 the claims.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a part");
    let json = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}

/// The token with one of its parts changed and the signature left as it was.
pub(crate) fn tampered(token: &str, index: usize, change: impl FnOnce(&mut Value)) -> String {
    let mut changed = part(token, index);
    change(&mut changed);
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[index] = URL_SAFE_NO_PAD.encode(changed.to_string());
    parts.join(".")
}
