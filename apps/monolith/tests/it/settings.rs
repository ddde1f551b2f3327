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
        "notifications.mailer: `sandbox`",
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
}
