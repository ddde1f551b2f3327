use std::sync::Arc;

use kernel::{Clock as _, ManualClock, Principal, Role, TenantId, UserId};
use serde_json::{Value, json};
use tokens::{
    AccessClaims, AccessKeys, AccessTokens, Caller, HopSigner, HopVerifier, LEEWAY, TokenError,
    TrustStore,
};
use uuid::Uuid;

use crate::{
    clock,
    forge::{Forger, part},
    key, noon, seconds,
};

fn user() -> Principal {
    Principal::User {
        user: UserId(Uuid::from_u128(1)),
        tenant: TenantId(Uuid::from_u128(2)),
        role: Role::Member,
    }
}

/// A program, and one that serves billing and trusts it.
fn two_programs() -> (HopSigner, HopVerifier, Arc<ManualClock>) {
    let (key, clock) = (key(), clock());
    let trust = TrustStore::fixed([("monolith", key.public_jwk())]).expect("trust");
    let signer = HopSigner::new(key, "monolith", clock.clone());
    (signer, HopVerifier::new(trust, clock.clone()), clock)
}

#[test]
fn every_principal_survives_the_hop() {
    let (signer, verifier, _) = two_programs();
    let tenant = TenantId(Uuid::from_u128(2));
    for principal in [
        Principal::Anonymous,
        user(),
        Principal::service("auth"),
        Principal::service_for("auth", tenant),
    ] {
        let token = signer.token_for(&principal, "billing").expect("signed");
        for _ in 0..2 {
            let caller = verifier.verify(&token, "billing").expect("verified");
            assert_eq!((caller.principal, &*caller.program.name), (principal.clone(), "monolith"));
        }
    }
}

#[test]
fn the_user_is_the_subject_and_the_program_the_actor() {
    let (signer, ..) = two_programs();
    let claims = part(&signer.token_for(&user(), "billing").expect("signed"), 1);
    assert_eq!(claims["sub"], Uuid::from_u128(1).to_string());
    assert_eq!(claims["act"], json!({"sub": "monolith"}));
    assert_eq!(claims["iss"], "monolith");
    assert_eq!(claims["aud"], "billing");
}

#[test]
fn a_token_is_used_again_for_half_of_its_life() {
    let (signer, _, clock) = two_programs();
    let first = signer.token_for(&user(), "billing").expect("signed");
    clock.advance(HopSigner::LIFETIME / 2 - seconds(1));
    assert_eq!(signer.token_for(&user(), "billing").expect("kept"), first);
    clock.advance(seconds(1));
    assert_ne!(signer.token_for(&user(), "billing").expect("renewed"), first);
    assert_ne!(
        signer.token_for(&user(), "auth").expect("signed"),
        signer.token_for(&user(), "billing").expect("signed"),
    );
    assert_ne!(
        signer.token_for(&Principal::Anonymous, "billing").expect("signed"),
        signer.token_for(&user(), "billing").expect("signed"),
    );
}

#[test]
fn a_token_from_a_clock_that_was_ahead_is_not_used_after_it_was_set_right() {
    let (signer, verifier, clock) = two_programs();
    let right = clock.now();
    clock.advance(seconds(600));
    signer.token_for(&user(), "billing").expect("signed");
    clock.set(right);
    let token = signer.token_for(&user(), "billing").expect("signed");
    assert_eq!(verifier.verify(&token, "billing").expect("good").principal, user());
}

#[test]
fn a_token_that_was_verified_still_expires() {
    let (signer, verifier, clock) = two_programs();
    let token = signer.token_for(&user(), "billing").expect("signed");
    assert!(verifier.verify(&token, "billing").is_ok());
    clock.advance(HopSigner::LIFETIME + LEEWAY - seconds(1));
    assert!(verifier.verify(&token, "billing").is_ok());
    clock.advance(seconds(1));
    assert!(matches!(verifier.verify(&token, "billing"), Err(TokenError::Expired)));
}

#[test]
fn a_token_for_another_module_is_refused() {
    let (signer, verifier, _) = two_programs();
    let token = signer.token_for(&user(), "auth").expect("signed");
    assert!(matches!(verifier.verify(&token, "billing"), Err(TokenError::WrongAudience)));
}

/// A program may serve several modules. Who received a call to one must not pass it on to another.
#[test]
fn a_token_that_was_taken_by_one_module_is_refused_by_the_next() {
    let (signer, verifier, _) = two_programs();
    let token = signer.token_for(&user(), "billing").expect("signed");
    assert!(verifier.verify(&token, "billing").is_ok());
    assert!(matches!(verifier.verify(&token, "auth"), Err(TokenError::WrongAudience)));
}

#[test]
fn a_program_that_is_not_trusted_is_refused() {
    let (_, verifier, clock) = two_programs();
    let stranger = HopSigner::new(key(), "monolith", clock);
    let token = stranger.token_for(&user(), "billing").expect("signed");
    assert!(matches!(verifier.verify(&token, "billing"), Err(TokenError::UnknownKey)));
}

#[test]
fn an_access_token_is_no_hop_token_and_the_reverse() {
    let (key, clock) = (key(), clock());
    let claims = AccessClaims {
        user: UserId(Uuid::from_u128(1)),
        tenant: TenantId(Uuid::from_u128(2)),
        role: Role::Owner,
    };
    let access = AccessTokens::new(key.clone(), "billing", seconds(60));
    let access = access.issue(&claims, noon()).expect("issued");
    let trust = TrustStore::fixed([("billing", key.public_jwk())]).expect("trust");
    let verifier = HopVerifier::new(trust, clock.clone());
    assert!(matches!(verifier.verify(&access, "billing"), Err(TokenError::WrongKind)));

    let hop = HopSigner::new(key.clone(), "billing", clock);
    let hop = hop.token_for(&user(), "billing").expect("signed");
    let verified = AccessKeys::from_jwks(&[key.public_jwk()], "billing").verify(&hop, noon());
    assert!(matches!(verified, Err(TokenError::WrongKind)));
}

/// Claims that are accepted when `forger`, trusted as `crm`, signs them.
fn good_claims() -> Value {
    let now = noon().unix_seconds();
    json!({
        "iss": "crm", "aud": "billing", "act": {"sub": "crm"}, "sub": "crm", "sub_kind": "service",
        "iat": now, "exp": now + 60,
    })
}

fn verify_forged(claims: &Value) -> Result<Caller, TokenError> {
    let forger = Forger::new(5);
    let trust = TrustStore::fixed([("crm", forger.jwk())]).expect("trust");
    let header = json!({"alg": "EdDSA", "typ": "hop+jwt", "kid": forger.kid()});
    HopVerifier::new(trust, clock()).verify(&forger.sign(&header, claims), "billing")
}

#[test]
fn a_program_signs_for_itself_alone() {
    assert_eq!(verify_forged(&good_claims()).expect("good").principal, Principal::service("crm"));
    for path in ["/iss", "/act/sub"] {
        let mut claims = good_claims();
        *claims.pointer_mut(path).expect("a claim") = json!("monolith");
        let verified = verify_forged(&claims);
        assert!(matches!(verified, Err(TokenError::WrongIssuer)), "{path}: {verified:?}");
    }
}

#[test]
fn a_principal_that_contradicts_itself_is_refused() {
    let (user, tenant) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for principal in [
        json!({"sub": user, "sub_kind": "user"}),
        json!({"sub": user, "sub_kind": "user", "tenant": tenant}),
        json!({"sub": "root", "sub_kind": "user", "tenant": tenant, "role": "owner"}),
        json!({"sub": "auth", "sub_kind": "service", "role": "owner"}),
        json!({"sub": "anonymous", "sub_kind": "anonymous", "tenant": tenant}),
        json!({"sub": user, "sub_kind": "emperor"}),
    ] {
        let mut claims = good_claims();
        for (name, value) in principal.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        let verified = verify_forged(&claims);
        let refused = matches!(verified, Err(TokenError::Claims(_) | TokenError::Malformed(_)));
        assert!(refused, "{principal}: {verified:?}");
    }
}

#[test]
fn a_token_that_lives_long_or_has_not_begun_is_refused() {
    let now = noon().unix_seconds();
    let mut claims = good_claims();
    claims["exp"] = json!(now + 86_400);
    assert!(matches!(verify_forged(&claims), Err(TokenError::Claims(_))));
    claims["iat"] = json!(now + 600);
    claims["exp"] = json!(now + 660);
    assert!(matches!(verify_forged(&claims), Err(TokenError::NotYetValid)));
}
