//! Has a module's program make its schema.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use kernel::Secret;
use tokio::process::Command;

use super::Migrate;
use crate::{
    shapes::{served_url, without_settings},
    workspace::{Workspace, module_name, service_name},
};

/// Runs the program of one module with `migrate`.
#[derive(Clone, Debug)]
pub struct ByProgram {
    module: String,
    workspace: Workspace,
    /// A file that is there; cargo builds one where there is none.
    binary: Option<PathBuf>,
}

impl ByProgram {
    /// Has cargo build and run it.
    #[must_use]
    pub fn built(workspace: Workspace, module: &str) -> Self {
        Self { module: module.to_owned(), workspace, binary: None }
    }

    /// Runs the file `binary`.
    #[must_use]
    pub fn at(self, binary: PathBuf) -> Self {
        Self { binary: Some(binary), ..self }
    }
}

#[async_trait]
impl Migrate for ByProgram {
    async fn migrate(&self, admin: &Secret) -> Result<()> {
        let mut command = match &self.binary {
            Some(binary) => Command::new(binary),
            None => {
                let service = service_name(&self.module);
                self.workspace.cargo(&["run", "--quiet", "--package", &service, "--"]).into()
            }
        };
        // Whatever is configured for the programs is of the other database.
        without_settings(&mut command);
        let module = module_name(&self.module);
        command.args(["--config", "/dev/null", "migrate", "--module", &module]);
        command.env("ASHLAR__PROFILE", "local").env("ASHLAR__STORE__ENGINE", "postgres");
        command.env("ASHLAR__POSTGRES__URL", served_url(admin)?);
        command.env("ASHLAR__POSTGRES__ADMIN_URL", admin.expose());
        // A program wants to know where the modules are that it does not contain. It asks none.
        for other in self.workspace.modules()? {
            let urls = format!("ASHLAR__MODULES__{}__URLS", module_name(&other).to_uppercase());
            command.env(urls, "[\"http://127.0.0.1:1\"]");
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.context("starting the module's program")?;
        if !output.status.success() {
            bail!(
                "the schema of {module} could not be made:\n{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }
}
