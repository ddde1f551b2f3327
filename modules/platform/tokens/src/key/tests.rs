use super::*;

/// RFC 8037, appendix A.1.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn rfc_key() -> SigningKey {
    let seed = URL_SAFE_NO_PAD.decode(SEED).expect("the RFC's seed is base64url");
    SigningKey::from_seed(&seed.try_into().expect("32 bytes")).expect("a key")
}

#[test]
fn the_public_key_and_thumbprint_are_those_of_rfc_8037() {
    let jwk = rfc_key().public_jwk();
    assert_eq!(jwk["x"], X);
    // Appendix A.3.
    assert_eq!(jwk["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn a_key_without_its_public_half_is_read() {
    // RFC 8410, section 10.3 and, for the public half, section 10.1; so `openssl genpkey` writes.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
               MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
               -----END PRIVATE KEY-----\n";
    let key = SigningKey::from_pem(pem).expect("the RFC's key");
    assert_eq!(key.public_jwk()["x"], "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE");
}

#[test]
fn the_signature_is_that_of_rfc_8037() {
    // Appendix A.4 and A.5.
    let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7\
                     sVvpAr_MuM0KAg";
    let (key, algorithm) = (rfc_key(), jsonwebtoken::Algorithm::EdDSA);
    let signed = jsonwebtoken::crypto::sign(message.as_bytes(), key.encoding(), algorithm);
    assert_eq!(signed.expect("a signature"), signature);
    let verify = |message: &[u8]| {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": X});
        let public = PublicKey::from_jwk(&jwk).expect("the RFC's key");
        jsonwebtoken::crypto::verify(signature, message, public.decoding(), algorithm)
    };
    assert!(verify(message.as_bytes()).expect("verifies"));
    assert!(!verify(b"another message").unwrap_or(false));
}

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys/program.pem");
    let made = SigningKey::load_or_create(&path).expect("made");
    let read = SigningKey::load_or_create(&path).expect("read");
    assert_eq!(made.kid(), read.kid());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(directory.path().join("keys").read_dir().expect("a directory").count(), 1);
}

#[test]
fn programs_that_start_at_once_share_the_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("shared.pem");
    let kids: Vec<String> = std::thread::scope(|scope| {
        let load = || SigningKey::load_or_create(&path).expect("a key").kid().to_owned();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a kid")).collect()
    });
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
}

#[test]
fn a_file_with_something_else_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("odd.pem");
    std::fs::write(&path, "not a key").expect("written");
    let error = SigningKey::load_or_create(&path).expect_err("not a key");
    assert!(error.to_string().contains("odd.pem"), "{error}");
}

#[test]
fn jwks_that_could_do_harm_are_refused() {
    let zeros = URL_SAFE_NO_PAD.encode([0_u8; 32]);
    for jwk in [
        json!({}),
        json!({"kty": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "OKP", "crv": "X25519", "x": X}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": zeros}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": X, "use": "enc"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": X, "alg": "none"}),
    ] {
        assert!(matches!(PublicKey::from_jwk(&jwk), Err(KeyError::Jwk(_))), "{jwk}");
    }
}

#[test]
fn a_private_key_is_not_printed() {
    let printed = format!("{:?}", rfc_key());
    assert!(printed.contains("kPrK_") && !printed.contains(SEED), "{printed}");
}
