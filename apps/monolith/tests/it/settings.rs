//! What the modules' own settings are checked for, before anything starts.

use anyhow::ensure;
use host::config::{Layers, Mistakes};
use tempfile::TempDir;

/// All that is wrong with `values`.
fn mistakes(values: &[(&str, &str)]) -> String {
    let mut mistakes = Mistakes::default();
    let layers = Layers::of(values.iter().copied(), &mut mistakes);
    let refused = monolith::program().configured(layers, mistakes).err();
    refused.map(|mistakes| mistakes.to_string()).unwrap_or_default()
}

#[test]
fn production_takes_no_sandbox_and_makes_no_keys() -> anyhow::Result<()> {
    let data = TempDir::new()?;
    let told = mistakes(&[
        ("PROFILE", "production"),
        ("PUBLIC__ORIGIN", "https://app.example.com"),
        ("DATA__DIR", data.path().to_str().unwrap_or_default()),
    ]);
    for place in [
        "billing.gateway: `sandbox`",
        "notifications.sender: `sandbox`",
        "monolith.pem is missing",
        "auth-signing.pem is missing",
        "sealing.key is missing",
    ] {
        ensure!(told.contains(place), "{place} is missing in\n{told}");
    }
    ensure!(!data.path().join("keys").exists(), "keys were made");
    Ok(())
}

#[test]
fn a_setting_out_of_bounds_is_told_with_all_others() -> anyhow::Result<()> {
    let told = mistakes(&[
        ("PUBLIC__REQUEST_SECONDS", "7"),
        ("AUTH__HASHING__CONCURRENCY", "0"),
        ("AUTH__RESERVATION_PATIENCE_SECONDS", "7"),
        ("BILLING__CHARGE_SECONDS", "8"),
        ("NOTIFICATIONS__FROM", "Nobody"),
    ]);
    for place in [
        "auth.hashing.concurrency:",
        "auth.reservation_patience_seconds:",
        "billing.charge_seconds: is between 1 and 7",
        "notifications.from:",
    ] {
        ensure!(told.contains(place), "{place} is missing in\n{told}");
    }
    Ok(())
}

/// What production needs for mails, besides `values`.
fn sending(values: &[(&str, &str)]) -> String {
    let production = [
        ("PROFILE", "production"),
        ("PUBLIC__ORIGIN", "https://app.example.com"),
        ("NOTIFICATIONS__SENDER", "sendgrid"),
    ];
    let mistakes = mistakes(&[&production, values].concat());
    let of_mails = |line: &&str| line.contains("notifications") || line.contains("sendgrid");
    mistakes.lines().filter(of_mails).collect::<Vec<_>>().join("\n")
}

#[test]
fn production_sends_mails_by_sendgrid() -> anyhow::Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), "SG.from.a-file\n")?;
    let key_file = ("SENDGRID__API_KEY_FILE", file.path().to_str().unwrap_or_default());
    let from = ("SENDGRID__FROM", "Example <no-reply@example.com>");
    ensure!(sending(&[key_file, from]).is_empty(), "{}", sending(&[key_file, from]));
    let general = ("NOTIFICATIONS__FROM", "no-reply@example.com");
    ensure!(sending(&[key_file, general]).is_empty(), "{}", sending(&[key_file, general]));

    let told = sending(&[]);
    for place in ["sendgrid.api_key:", "notifications.from: is needed"] {
        ensure!(told.contains(place), "{place} is missing in\n{told}");
    }
    let told = sending(&[
        ("SENDGRID__API_KEY", "sk_live_not_theirs"),
        ("SENDGRID__FROM", "Nobody"),
        ("SENDGRID__BASE_URL", "http://sendgrid.example.com"),
        ("SENDGRID__COLOUR", "blue"),
    ]);
    for place in ["sendgrid.api_key:", "sendgrid.from:", "sendgrid.base_url:", "sendgrid.colour:"] {
        ensure!(told.contains(place), "{place} is missing in\n{told}");
    }
    ensure!(!told.contains("sk_live"), "the key is told: {told}");
    Ok(())
}

#[test]
fn limits_and_their_store_are_checked() -> anyhow::Result<()> {
    let told = mistakes(&[
        ("PROFILE", "production"),
        ("REDIS__URL", "redis://user:hunter2@redis.example.com"),
        ("REDIS__PREFIX", "A B"),
        ("REDIS__PATIENCE_MS", "0"),
        ("LIMITS__COSTLY__BURST", "0"),
        ("LIMITS__GUESSABLE__PER_MINUTE", "0"),
        ("LIMITS__TENANT__BURST", "1000000"),
        ("LIMITS__TENANT__PER_MINUTE", "1"),
        ("LIMITS__STRANGERS__BURST", "1"),
        ("PUBLIC__TRUSTED_HOPS", "1"),
    ]);
    for place in [
        "redis.url: leads to another machine in clear",
        "redis.prefix:",
        "redis.patience_ms:",
        "limits.costly.burst: a burst is",
        "limits.guessable.per_minute: a rate is",
        "limits.tenant.per_minute: a burst comes back",
        "limits.strangers:",
        "public.trusted_proxies:",
    ] {
        ensure!(told.contains(place), "{place} is missing in\n{told}");
    }
    ensure!(!told.contains("hunter2"), "the password is told: {told}");
    let told = mistakes(&[("PUBLIC__TRUSTED_PROXIES", "[\"10.0.0.0/33\"]"), ("REDIS__URL", "x")]);
    for place in ["public.trusted_proxies: `10.0.0.0/33`", "redis.url: is such as"] {
        ensure!(told.contains(place), "{place} is missing in\n{told}");
    }
    Ok(())
}

#[test]
fn what_is_within_bounds_is_taken() {
    // The provider's time, where it is not set, follows a shorter request.
    let told = mistakes(&[
        ("PUBLIC__REQUEST_SECONDS", "5"),
        ("AUTH__HASHING__CONCURRENCY", "1"),
        ("AUTH__RESERVATION_PATIENCE_SECONDS", "6"),
        ("NOTIFICATIONS__FROM", "Example <no-reply@example.com>"),
    ]);
    assert_eq!(told, "");
    assert_eq!(mistakes(&[("BILLING__CHARGE_SECONDS", "10")]), "");
    let told = mistakes(&[
        ("REDIS__URL", "redis://127.0.0.1:6379/3"),
        ("LIMITS__COSTLY__BURST", "1"),
        ("LIMITS__TENANT__PER_MINUTE", "60"),
        ("PUBLIC__TRUSTED_HOPS", "2"),
        ("PUBLIC__TRUSTED_PROXIES", "[\"10.0.0.0/8\", \"::1\"]"),
        ("SENDGRID__COLOUR", "of another program"),
    ]);
    assert_eq!(told, "");
}
