//! Ed25519 keys: how they are kept, named and published.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{
    VerifyingKey,
    pkcs8::{self, DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use rand::RngExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::private_file;

/// What a program signs with.
pub struct SigningKey {
    pem: Zeroizing<String>,
    encoding: EncodingKey,
    public: PublicKey,
}

impl SigningKey {
    /// A new key, kept nowhere.
    ///
    /// # Errors
    /// [`KeyError::Pem`], should the key not be encodable.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0_u8; 32]);
        rand::rng().fill(&mut *seed);
        Self::from_seed(&seed)
    }

    /// Reads a private key in PKCS #8 PEM (RFC 5958, RFC 8410), as `openssl genpkey` writes it.
    ///
    /// # Errors
    /// [`KeyError::Pem`] where it is something else.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::from_dalek(&ed25519_dalek::SigningKey::from_pkcs8_pem(pem).map_err(KeyError::Pem)?)
    }

    /// Reads the key at `path`; where there is none, makes one there, readable by its owner
    /// alone. Programs that start at once end up with the same key.
    ///
    /// # Errors
    /// The file can be neither read nor written, or holds something else.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let pem = private_file::read_or_create(path, || Ok(Self::generate()?.pem.clone()))?;
        Self::from_pem(&pem).map_err(|error| error.in_file(path))
    }

    /// The key's name: its thumbprint (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// The half that others verify with.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The public half as a JSON Web Key (RFC 8037), for a key set or a trust directory.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        self.public.to_jwk()
    }

    pub(crate) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    pub(crate) fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::from_dalek(&ed25519_dalek::SigningKey::from_bytes(seed))
    }

    fn from_dalek(key: &ed25519_dalek::SigningKey) -> Result<Self, KeyError> {
        let der = key.to_pkcs8_der().map_err(KeyError::Pem)?;
        Ok(Self {
            pem: key.to_pkcs8_pem(LineEnding::LF).map_err(KeyError::Pem)?,
            encoding: EncodingKey::from_ed_der(der.as_bytes()),
            public: PublicKey::new(&key.verifying_key(), ClaimedName::None),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}

/// What signatures are verified with.
#[derive(Clone)]
pub struct PublicKey {
    kid: String,
    x: String,
    decoding: DecodingKey,
}

/// The name that a key set gives a key.
enum ClaimedName {
    None,
    Kid(String),
}

impl PublicKey {
    /// Reads an Ed25519 key from a JSON Web Key. A key without a `kid` is named by its thumbprint.
    ///
    /// # Errors
    /// [`KeyError::Jwk`] where it is another kind of key, is not for signatures, or is no point of
    /// the curve.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let text = |name| jwk.get(name).and_then(Value::as_str);
        if text("kty") != Some("OKP") || text("crv") != Some("Ed25519") {
            return Err(KeyError::Jwk("`kty` must be OKP and `crv` Ed25519"));
        }
        if text("use").is_some_and(|purpose| purpose != "sig")
            || text("alg").is_some_and(|algorithm| algorithm != "EdDSA")
        {
            return Err(KeyError::Jwk("`use` must be sig and `alg` EdDSA"));
        }
        let x = text("x").ok_or(KeyError::Jwk("`x` is missing"))?;
        // The length is checked here because jsonwebtoken would panic on a shorter key.
        let bytes: [u8; 32] = URL_SAFE_NO_PAD
            .decode(x)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(KeyError::Jwk("`x` must be 32 bytes in base64url without padding"))?;
        let key = VerifyingKey::from_bytes(&bytes)
            .ok()
            .filter(|key| !key.is_weak())
            .ok_or(KeyError::Jwk("`x` is no usable point of the curve"))?;
        let name = text("kid").map_or(ClaimedName::None, |kid| ClaimedName::Kid(kid.to_owned()));
        Ok(Self::new(&key, name))
    }

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key as a JSON Web Key.
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        json!({
            "kty": "OKP", "crv": "Ed25519", "x": self.x, "kid": self.kid, "use": "sig", "alg": "EdDSA",
        })
    }

    /// The key's SHA-256 thumbprint (RFC 7638): the required members in alphabetical order,
    /// without white space.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        thumbprint(&self.x)
    }

    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    fn new(key: &VerifyingKey, name: ClaimedName) -> Self {
        let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
        let kid = match name {
            ClaimedName::Kid(kid) => kid,
            ClaimedName::None => thumbprint(&x),
        };
        Self { kid, x, decoding: DecodingKey::from_ed_der(key.as_bytes()) }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can be neither read nor written.
    #[error("{} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} holds no usable key", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<KeyError>,
    },
    /// Not a private key.
    #[error("not an Ed25519 private key in PKCS #8 PEM")]
    Pem(#[source] pkcs8::Error),
    /// Not a public key.
    #[error("not an Ed25519 public key as a JWK: {0}")]
    Jwk(&'static str),
    /// Not JSON at all.
    #[error("not a JWK")]
    Json(#[source] serde_json::Error),
    /// Not a sealing key.
    #[error("not a sealing key: each line must be 32 bytes in base64url without padding")]
    Sealing,
    /// A key stands for one program.
    #[error("{first} and {second} have the same key; each program needs its own")]
    Shared {
        /// The program that was read first.
        first: String,
        /// The other one.
        second: String,
    },
}

impl KeyError {
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    pub(crate) fn in_file(self, path: &Path) -> Self {
        Self::InFile { path: path.to_owned(), source: Box::new(self) }
    }
}

#[cfg(test)]
mod tests;
