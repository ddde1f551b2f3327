//! The provider's webhooks, at billing's own listener and through the program in front of it.

use anyhow::{Context as _, ensure};
use billing_service::Billing;
use hmac::{Hmac, Mac};
use host::{
    Program, Running,
    config::{Layers, Mistakes},
};
use kernel::{Clock, SystemClock};
use sha2::Sha256;
use tempfile::TempDir;

const SECRET: &str = "whsec_1";

const STRIPE: [(&str, &str); 3] = [
    ("BILLING__GATEWAY", "stripe"),
    ("STRIPE__SECRET_KEY", "sk_test_1"),
    ("STRIPE__WEBHOOK_SECRETS", "[\"whsec_0\", \"whsec_1\"]"),
];

async fn start(program: Program, settings: &[(&str, &str)]) -> anyhow::Result<(Running, TempDir)> {
    let data = TempDir::new()?;
    let mut mistakes = Mistakes::default();
    let everywhere = [
        ("PROFILE", "test"),
        ("DATA__DIR", data.path().to_str().context("a path that is no text")?),
        ("PUBLIC__BIND", "127.0.0.1:0"),
        ("INTERNAL__BIND", "127.0.0.1:0"),
        ("MODULES__AUTH__URLS", "[\"http://127.0.0.1:1\"]"),
        ("MODULES__NOTIFICATIONS__URLS", "[\"http://127.0.0.1:1\"]"),
    ];
    let settings = everywhere.into_iter().chain(settings.iter().copied());
    let layers = Layers::of(settings, &mut mistakes);
    Ok((program.configured(layers, mistakes)?.start().await?, data))
}

async fn billing(settings: &[(&str, &str)]) -> anyhow::Result<(Running, TempDir)> {
    start(Program::new("billing-service").home_of(Billing::default()), settings).await
}

/// The status of the answer to a delivery at `program`.
async fn deliver(program: &Running, secret: &str) -> anyhow::Result<u16> {
    let now = SystemClock.now().unix_seconds();
    // Spaces and a line break that would not survive being read and written again.
    let body = format!("{{ \"id\":\"evt_1\",  \"type\":\"payout.paid\", \"created\":{now} }}\r\n");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(format!("{now}.{body}").as_bytes());
    let digits = mac.finalize().into_bytes();
    let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    let url = format!("http://{}/webhooks/stripe", program.public_address());
    let sent = stripe::client()?
        .post(url)
        .header("stripe-signature", format!("t={now},v1={digits}"))
        .body(body)
        .send();
    Ok(sent.await?.status().as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_verified_by_billing_wherever_it_comes_in() -> anyhow::Result<()> {
    let (billing, _data) = billing(&STRIPE).await?;
    let owner = format!("[\"http://{}\"]", billing.public_address());
    let in_front =
        [("MODULES__BILLING__URLS", &*owner), ("MODULES__BILLING__PUBLIC_URLS", &*owner)];
    let (edge, _other_data) = start(Program::new("edge"), &in_front).await?;
    for program in [&billing, &edge] {
        for (secret, status) in [(SECRET, 200), ("whsec_0", 200), ("whsec_of_nobody", 400)] {
            let answered = deliver(program, secret).await?;
            ensure!(answered == status, "{secret}: {answered}");
        }
    }
    edge.stop().await;
    billing.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_takes_what_is_signed_as_stripe_signs() -> anyhow::Result<()> {
    let (billing, _data) = billing(&STRIPE[2..]).await?;
    for (secret, status) in [(SECRET, 200), ("whsec_of_nobody", 400)] {
        let answered = deliver(&billing, secret).await?;
        ensure!(answered == status, "{secret}: {answered}");
    }
    billing.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_sends_none_is_listened_for() -> anyhow::Result<()> {
    for settings in [&[][..], &STRIPE[..2]] {
        let (billing, _data) = billing(settings).await?;
        ensure!(deliver(&billing, SECRET).await? == 404);
        billing.stop().await;
    }
    Ok(())
}
