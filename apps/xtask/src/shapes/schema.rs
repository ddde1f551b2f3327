//! Brings the schemas up to date before the programs start, as an operator would.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use super::{engine::Value, plan::Planned};

/// Has each program migrate its own modules, told `settings` besides.
pub(super) async fn migrate(
    programs: &[Planned],
    settings: &[(&'static str, Value)],
) -> Result<()> {
    // Replicas of one program share their schemas.
    let once: BTreeMap<&Path, &Planned> =
        programs.iter().map(|program| (program.binary.as_path(), program)).collect();
    for program in once.into_values().filter(|program| !program.modules.is_empty()) {
        let mut command = Command::new(&program.binary);
        program.prepare(&mut command);
        command.arg("migrate").envs(settings.iter().map(|(name, value)| (name, value.text())));
        command.stdin(Stdio::null()).kill_on_drop(true);
        let name = &program.name;
        let output = command.output().await.with_context(|| format!("starting {name} migrate"))?;
        if !output.status.success() {
            bail!(
                "{name} migrate ended with {}:\n{}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    Ok(())
}
