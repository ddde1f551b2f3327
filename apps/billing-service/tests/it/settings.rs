//! Who takes payments, as an operator sets it.

use std::fs;

use billing_service::Billing;
use host::{
    Program,
    config::{Layers, Mistakes},
};
use tempfile::TempDir;

const ELSEWHERE: [(&str, &str); 2] = [
    ("MODULES__AUTH__URLS", "[\"http://127.0.0.1:1\"]"),
    ("MODULES__NOTIFICATIONS__URLS", "[\"http://127.0.0.1:1\"]"),
];

/// All that is wrong with `values`.
fn mistakes(values: &[(&str, &str)]) -> String {
    let mut mistakes = Mistakes::default();
    let layers = Layers::of(ELSEWHERE.into_iter().chain(values.iter().copied()), &mut mistakes);
    let program = Program::new("billing-service").home_of(Billing::default());
    let refused = program.configured(layers, mistakes).err();
    refused.map(|mistakes| mistakes.to_string()).unwrap_or_default()
}

#[test]
fn stripe_needs_its_keys_and_keeps_them_from_the_air() {
    let told = mistakes(&[
        ("BILLING__GATEWAY", "stripe"),
        ("STRIPE__SECRET_KEY", "pk_live_the_wrong_one"),
        ("STRIPE__WEBHOOK_SECRETS", "[\"whsec_good\", \"\"]"),
        ("STRIPE__BASE_URL", "ftp://example.test"),
        ("STRIPE__SPEED", "fast"),
    ]);
    for place in ["secret_key: ", "webhook_secrets: ", "base_url: ", "speed: "] {
        assert!(told.contains(&format!("stripe.{place}")), "{place} is missing in\n{told}");
    }
    assert!(!told.contains("the_wrong_one"), "{told}");
    assert!(mistakes(&[("BILLING__GATEWAY", "stripe")]).contains("stripe.secret_key: "));
    assert!(mistakes(&[("BILLING__GATEWAY", "cash")]).contains("billing.gateway: "));
}

#[test]
fn in_production_no_key_travels_in_clear() {
    let stripe = |url| {
        mistakes(&[
            ("PROFILE", "production"),
            ("BILLING__GATEWAY", "stripe"),
            ("STRIPE__SECRET_KEY", "rk_live_1"),
            ("STRIPE__BASE_URL", url),
        ])
    };
    assert!(stripe("http://127.0.0.1:8420").contains("stripe.base_url: "));
    assert!(!stripe("https://api.stripe.com/").contains("stripe."));
}

#[test]
fn secrets_may_be_in_files() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("key"), "sk_test_1\n")?;
    fs::write(path("webhooks"), "whsec_1\n")?;
    fs::write(path("empty"), "\n")?;
    let stripe = |key: &str, webhooks: &str| {
        mistakes(&[
            ("BILLING__GATEWAY", "stripe"),
            ("STRIPE__SECRET_KEY_FILE", key),
            ("STRIPE__WEBHOOK_SECRETS_FILE", &format!("[\"{webhooks}\"]")),
        ])
    };
    assert_eq!(stripe(&path("key"), &path("webhooks")), "");
    let told = stripe(&path("nowhere"), &path("empty"));
    for place in ["stripe.secret_key_file: ", "stripe.webhook_secrets_file: "] {
        assert!(told.contains(place), "{place} is missing in\n{told}");
    }
    Ok(())
}

#[test]
fn settings_of_a_provider_that_is_not_used_are_left_alone() {
    assert_eq!(mistakes(&[("STRIPE__SECRET_KEY", "of another program's")]), "");
}
