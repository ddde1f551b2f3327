//! What `deploy/` says works: its keys are made as its README says, and the programs find no mistake
//! in its configurations.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use xtask::shapes::{self, Shape};

/// What the README's block that makes the keys begins with.
const FENCE: &str = "```bash keys";
/// Where the configurations expect keys and secrets.
const PLACE: &str = "/etc/ashlar";

/// What each file holds on a machine where somebody has put them.
const SECRETS: [(&str, &str); 8] = [
    ("postgres-app", "of-the-application"),
    ("postgres-system", "of-the-system"),
    ("postgres-admin", "postgres://admin@db.internal:5432/ashlar?sslmode=verify-full"),
    ("rabbitmq", "amqps://ashlar:secret@broker.internal:5671/%2f"),
    ("operator-token", "a token that is long enough to be one of an operator"),
    ("stripe", "sk_live_0123456789abcdef"),
    ("stripe-webhook", "whsec_0123456789abcdef"),
    ("sendgrid", "SG.0123456789abcdef"),
];

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file)
}

fn machine() -> anyhow::Result<TempDir> {
    let machine = TempDir::new()?;
    let readme = fs::read_to_string(deploy("README.md"))?;
    let script = readme.split_once(FENCE).and_then(|(_, rest)| rest.split_once("```"));
    let (script, _) = script.context("the README has lost its keys")?;
    let made = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(machine.path())
        .output()
        .context("bash and openssl are needed")?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::create_dir(machine.path().join("secrets"))?;
    for (name, secret) in SECRETS {
        fs::write(machine.path().join("secrets").join(name), secret)?;
    }
    Ok(machine)
}

fn check(program: &Path, machine: &Path, configuration: &str) -> anyhow::Result<()> {
    let place = machine.to_str().context("a path that is no text")?;
    let text = fs::read_to_string(deploy(configuration))?.replace(PLACE, place);
    let file = machine.join(configuration);
    fs::write(&file, text)?;
    let checked = Command::new(program)
        .args([Path::new("--config"), &file, Path::new("check-config")])
        .env_clear()
        .output()?;
    ensure!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    Ok(())
}

#[test]
fn the_monoliths_configuration_has_no_mistake() -> anyhow::Result<()> {
    let machine = machine()?;
    let binaries = shapes::build(&Shape::extracting([]))?;
    check(binaries.monolith(), machine.path(), "monolith.toml")
}

#[test]
fn billings_configuration_has_no_mistake() -> anyhow::Result<()> {
    let machine = machine()?;
    let binaries = shapes::build(&Shape::extracting(["billing"]))?;
    let billing = binaries.service("billing").context("a shape with billing extracted")?;
    check(billing, machine.path(), "billing-service.toml")
}
