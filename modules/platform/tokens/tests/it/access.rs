use kernel::{Role, TenantId, UserId};
use serde_json::{Value, json};
use tokens::{AccessClaims, AccessKeys, AccessTokens, LEEWAY, SigningKey, TokenError};
use uuid::Uuid;

use crate::{
    forge::{Forger, part, tampered},
    key, noon, seconds,
};

const ISSUER: &str = "https://app.example.com";

fn claims() -> AccessClaims {
    AccessClaims {
        user: UserId(Uuid::from_u128(1)),
        tenant: TenantId(Uuid::from_u128(2)),
        role: Role::Admin,
    }
}

fn issued(key: &std::sync::Arc<SigningKey>) -> String {
    let tokens = AccessTokens::new(key.clone(), ISSUER, seconds(900));
    tokens.issue(&claims(), noon()).expect("issued")
}

fn verify(token: &str, keys: &[Value]) -> Result<AccessClaims, TokenError> {
    AccessKeys::from_jwks(keys, ISSUER).verify(token, noon())
}

#[test]
fn a_token_says_who_the_bearer_is() {
    let key = key();
    let keys = [self::key().public_jwk(), key.public_jwk()];
    assert_eq!(verify(&issued(&key), &keys).expect("verified"), claims());
}

#[test]
fn a_token_has_what_rfc_9068_asks_for() {
    let key = key();
    let token = issued(&key);
    assert_eq!(part(&token, 0), json!({"alg": "EdDSA", "typ": "at+jwt", "kid": key.kid()}));
    let claims = part(&token, 1);
    for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        assert!(claims.get(name).is_some(), "{name} is missing in {claims}");
    }
    assert_ne!(part(&issued(&key), 1)["jti"], claims["jti"]);
}

#[test]
fn a_token_is_valid_for_its_time_give_or_take_the_leeway() {
    let key = key();
    let (token, keys) = (issued(&key), [key.public_jwk()]);
    let keys = AccessKeys::from_jwks(&keys, ISSUER);
    let at = |now| keys.verify(&token, now);
    let end = noon() + seconds(900);
    assert!(at(end + LEEWAY - seconds(1)).is_ok());
    assert!(matches!(at(end + LEEWAY), Err(TokenError::Expired)));
    assert!(at(noon() - LEEWAY).is_ok());
    assert!(matches!(at(noon() - LEEWAY - seconds(1)), Err(TokenError::NotYetValid)));
}

#[test]
fn a_token_of_another_issuer_or_key_is_refused() {
    let key = key();
    let (token, keys) = (issued(&key), [key.public_jwk()]);
    let elsewhere =
        AccessKeys::from_jwks(&keys, "https://other.example.com").verify(&token, noon());
    assert!(matches!(elsewhere, Err(TokenError::WrongIssuer)));
    let unknown = verify(&token, &[self::key().public_jwk()]);
    assert!(matches!(unknown, Err(TokenError::UnknownKey)));
    assert!(matches!(verify(&token, &[]), Err(TokenError::UnknownKey)));
}

#[test]
fn an_altered_token_is_refused() {
    let key = key();
    let token = issued(&key);
    let keys = AccessKeys::from_jwks(&[key.public_jwk()], ISSUER);
    let verify = |token: &str| keys.verify(token, noon());
    // That the real one is known already helps nobody.
    verify(&token).expect("verified");
    let promoted = tampered(&token, 1, |claims| claims["role"] = json!("owner"));
    assert!(matches!(verify(&promoted), Err(TokenError::BadSignature)));
    for odd in ["", "a.b.c", "..", token.rsplit_once('.').expect("a signature").0] {
        assert!(matches!(verify(odd), Err(TokenError::Malformed(_))), "{odd}");
    }
}

#[test]
fn neither_the_algorithm_nor_the_kind_is_the_tokens_to_choose() {
    let forger = Forger::new(3);
    let keys = [forger.jwk()];
    let claims = part(&issued(&key()), 1);
    let good = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": forger.kid()});
    assert!(verify(&forger.sign(&good, &claims), &keys).is_ok(), "the forger signs properly");
    for (name, value) in [
        ("alg", json!("HS256")),
        ("alg", json!("none")),
        ("typ", json!("hop+jwt")),
        ("typ", json!("JWT")),
        ("typ", Value::Null),
        ("crit", json!(["b64"])),
    ] {
        let mut header = good.clone();
        header[name] = value;
        let verified = verify(&forger.sign(&header, &claims), &keys);
        let refused = matches!(verified, Err(TokenError::WrongKind | TokenError::Malformed(_)));
        assert!(refused, "{header}: {verified:?}");
    }
}

#[test]
fn claims_that_are_missing_or_lists_are_refused() {
    let forger = Forger::new(3);
    let keys = [forger.jwk()];
    let good = part(&issued(&key()), 1);
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": forger.kid()});
    for name in ["iss", "aud", "exp", "iat", "sub", "tenant", "role"] {
        for value in [None, Some(json!([good[name]]))] {
            let mut claims = good.clone();
            match value {
                Some(value) => claims[name] = value,
                None => drop(claims.as_object_mut().expect("claims").remove(name)),
            }
            let verified = verify(&forger.sign(&header, &claims), &keys);
            assert!(verified.is_err(), "{claims}: {verified:?}");
        }
    }
    let mut later = good.clone();
    later["nbf"] = json!(noon().unix_seconds() + 600);
    let verified = verify(&forger.sign(&header, &later), &keys);
    assert!(matches!(verified, Err(TokenError::NotYetValid)), "{verified:?}");
    let mut elsewhere = good;
    elsewhere["aud"] = json!("https://other.example.com");
    let verified = verify(&forger.sign(&header, &elsewhere), &keys);
    assert!(matches!(verified, Err(TokenError::WrongAudience)), "{verified:?}");
}

#[test]
fn sets_of_the_same_keys_verify_the_same() {
    let (one, other) = ([key().public_jwk()], [key().public_jwk()]);
    let keys = |jwks: &[Value]| AccessKeys::from_jwks(jwks, ISSUER);
    // What is passed over makes no difference.
    let rsa = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
    assert!(keys(&one).is_same_as(&keys(&[rsa, one[0].clone()])));
    assert!(!keys(&one).is_same_as(&keys(&[one[0].clone(), other[0].clone()])));
    assert!(!keys(&one).is_same_as(&keys(&other)));
    let elsewhere = AccessKeys::from_jwks(&one, "https://other.example.com");
    assert!(!keys(&one).is_same_as(&elsewhere));
}
