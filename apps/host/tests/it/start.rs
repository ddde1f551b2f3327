//! What keeps a program from starting.

use anyhow::ensure;
use host::{
    Program,
    config::{Layers, Mistakes},
};

#[test]
fn a_program_without_its_modules_tells_all_that_is_missing() -> anyhow::Result<()> {
    let mut mistakes = Mistakes::default();
    let layers = Layers::of([("SHIPPING__SPEED", "fast")], &mut mistakes);
    let Err(mistakes) = Program::new("edge").configured(layers, mistakes) else {
        anyhow::bail!("a program without modules must be told where they run");
    };
    let text = mistakes.to_string();
    for place in
        ["modules.auth.urls", "modules.billing.urls", "modules.notifications.urls", "shipping"]
    {
        ensure!(text.contains(place), "{place} is missing in\n{text}");
    }
    Ok(())
}

#[test]
fn production_makes_no_keys() -> anyhow::Result<()> {
    let data = tempfile::TempDir::new()?;
    let url = "[\"http://127.0.0.1:1\"]";
    let mut mistakes = Mistakes::default();
    let layers = Layers::of(
        [
            ("PROFILE", "production"),
            ("PUBLIC__ORIGIN", "https://app.example.com"),
            ("DATA__DIR", data.path().to_str().unwrap_or_default()),
            ("MODULES__AUTH__URLS", url),
            ("MODULES__BILLING__URLS", url),
            ("MODULES__NOTIFICATIONS__URLS", url),
        ],
        &mut mistakes,
    );
    let refusal = Program::new("edge").configured(layers, mistakes).err();
    let refusal = refusal.map(|mistakes| mistakes.to_string()).unwrap_or_default();
    ensure!(refusal.contains("edge.pem is missing"), "{refusal}");
    // No module is here that seals or opens tokens.
    ensure!(!refusal.contains("sealing.key"), "{refusal}");
    ensure!(!data.path().join("keys").exists(), "keys were made");
    Ok(())
}
