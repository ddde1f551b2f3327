use std::{fs, sync::Arc};

use kernel::{Clock as _, ManualClock, Principal};
use tempfile::TempDir;
use tokens::{HopSigner, HopVerifier, KeyError, TokenError, TrustStore, publish_key};

use crate::{clock, key, seconds};

/// A trust directory, and a program that trusts it.
struct House {
    directory: TempDir,
    clock: Arc<ManualClock>,
    verifier: HopVerifier,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = clock();
        let trust = TrustStore::directory(directory.path());
        let verifier = HopVerifier::new(trust, clock.clone());
        Self { directory, clock, verifier }
    }

    /// A program that has published its key; returns a token of it.
    fn program(&self, name: &str) -> Arc<str> {
        let key = key();
        publish_key(self.directory.path(), name, &[], &key).expect("published");
        self.token(HopSigner::new(key, name, self.clock.clone()))
    }

    #[expect(clippy::needless_pass_by_value, reason = "a signer made for the one token")]
    fn token(&self, signer: HopSigner) -> Arc<str> {
        let principal = Principal::service(signer.program());
        signer.token_for(&principal, "billing").expect("signed")
    }

    fn is_trusted(&self, token: &str) -> bool {
        match self.verifier.verify(token, "billing") {
            Ok(_) => true,
            Err(TokenError::UnknownKey) => false,
            Err(error) => panic!("unexpected: {error}"),
        }
    }
}

#[test]
fn programs_that_come_later_are_trusted_at_once() {
    let house = House::new();
    for name in ["monolith", "auth-service", "notifications-service"] {
        assert!(house.is_trusted(&house.program(name)), "{name}");
    }
}

#[test]
fn a_program_whose_key_is_taken_away_is_forgotten() {
    let house = House::new();
    let key = key();
    publish_key(house.directory.path(), "crm", &["crm"], &key).expect("published");
    let signer = HopSigner::new(key, "crm", house.clock.clone());
    let call = || signer.token_for(&Principal::service("crm"), "billing").expect("signed");
    assert!(house.is_trusted(&call()));
    fs::remove_file(house.directory.path().join("crm.jwk.json")).expect("removed");
    house.clock.advance(seconds(60));
    assert!(!house.is_trusted(&call()));
}

#[test]
fn a_program_whose_key_is_taken_away_is_forgotten_though_a_clock_was_ahead() {
    let house = House::new();
    let (key, right) = (key(), house.clock.now());
    publish_key(house.directory.path(), "crm", &["crm"], &key).expect("published");
    let signer = HopSigner::new(key, "crm", house.clock.clone());
    let call = || signer.token_for(&Principal::service("crm"), "billing").expect("signed");
    house.clock.advance(seconds(600));
    assert!(house.is_trusted(&call()));
    fs::remove_file(house.directory.path().join("crm.jwk.json")).expect("removed");
    house.clock.set(right);
    assert!(!house.is_trusted(&call()));
}

#[test]
fn a_renewed_key_takes_the_place_of_the_old_one() {
    let house = House::new();
    let old = house.program("monolith");
    assert!(house.is_trusted(&old));
    let new = house.program("monolith");
    assert!(house.is_trusted(&new));
    assert_eq!(house.directory.path().read_dir().expect("a directory").count(), 1);
}

#[test]
fn a_file_that_holds_no_key_harms_no_other() {
    let house = House::new();
    for (name, content) in [
        ("broken.jwk.json", "{"),
        ("secret.jwk.json", r#"{"kty":"oct","k":"c2VjcmV0"}"#),
        ("readme.txt", "keys of programs"),
    ] {
        fs::write(house.directory.path().join(name), content).expect("written");
    }
    assert!(house.is_trusted(&house.program("monolith")));
}

#[test]
fn without_a_directory_nobody_is_trusted() {
    let house = House::new();
    let verifier = HopVerifier::new(
        TrustStore::directory(house.directory.path().join("missing")),
        house.clock.clone(),
    );
    let token = house.program("monolith");
    assert!(matches!(verifier.verify(&token, "billing"), Err(TokenError::UnknownKey)));
}

#[test]
fn a_key_stands_for_one_program() {
    let jwk = key().public_jwk();
    let trust = TrustStore::fixed([("monolith", jwk.clone()), ("crm", jwk)]);
    assert!(matches!(trust, Err(KeyError::Shared { .. })), "{trust:?}");
}

/// Whether the program that signed `token` may speak for `module`.
fn speaks_for(house: &House, token: &str, module: &str) -> bool {
    let caller = house.verifier.verify(token, "billing").expect("a trusted program");
    caller.program.speaks_for(module)
}

#[test]
fn a_program_speaks_for_the_modules_that_its_file_lists() {
    let house = House::new();
    let (key, path) = (key(), house.directory.path());
    let signer = HopSigner::new(Arc::clone(&key), "crm", house.clock.clone());
    publish_key(path, "crm", &["auth", "crm"], &key).expect("published");
    let token = signer.token_for(&Principal::service("crm"), "billing").expect("signed");
    assert!(speaks_for(&house, &token, "auth") && speaks_for(&house, &token, "crm"));
    assert!(!speaks_for(&house, &token, "billing") && !speaks_for(&house, &token, ""));

    // It was started anew, without one of them, and with another.
    publish_key(path, "crm", &["billing", "crm"], &key).expect("published");
    let anonymous = signer.token_for(&Principal::Anonymous, "billing").expect("signed");
    assert!(!speaks_for(&house, &anonymous, "auth") && speaks_for(&house, &anonymous, "billing"));
}

#[test]
fn a_program_whose_file_lists_no_modules_speaks_for_all() {
    let house = House::new();
    let key = key();
    let file = house.directory.path().join("crm.jwk.json");
    fs::write(file, key.public_jwk().to_string()).expect("written");
    let token = house.token(HopSigner::new(key, "crm", house.clock.clone()));
    assert!(speaks_for(&house, &token, "billing"));
}

#[test]
fn a_list_of_modules_that_cannot_be_read_is_not_taken_for_all_of_them() {
    let mut jwk = key().public_jwk();
    jwk["modules"] = "billing".into();
    let trust = TrustStore::fixed([("crm", jwk)]);
    assert!(matches!(trust, Err(KeyError::Jwk(_))), "{trust:?}");
}
