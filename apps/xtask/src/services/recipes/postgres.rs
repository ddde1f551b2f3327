//! PostgreSQL: `initdb`, and a server that listens on loopback alone.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, bail};
use kernel::Secret;
use tokio::process;

use super::alone;
use crate::{
    files,
    services::{
        account::Account,
        programs::PostgresPrograms,
        spec::{Durability, Part, Spec, bare},
    },
};

/// Enough for several test processes side by side, each with several pools for every module.
const CONNECTIONS: u16 = 600;

/// A cluster takes seconds; a slow disk some more.
const CLUSTER_WITHIN: Duration = Duration::from_secs(120);

const FAST: &str = "\
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 2GB
checkpoint_timeout = 30min
";

/// Makes the cluster where there is none, and writes its configuration anew.
pub(crate) async fn prepare(
    spec: &Spec,
    durability: Durability,
    password: Option<&Secret>,
) -> Result<()> {
    let (data, account) = (spec.data(), Account::for_engines()?);
    if !data.exists() {
        make_cluster(spec, &account, durability, password).await?;
    }
    let settings = match durability {
        Durability::Real => "",
        Durability::Fast => FAST,
    };
    let text = format!(
        "# Written at each start.\n\
         listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\n\
         max_connections = {CONNECTIONS}\nshared_buffers = 512MB\ntimezone = 'UTC'\n\
         log_timezone = 'UTC'\nlog_line_prefix = '%m [%p] %q%u@%d '\ncluster_name = 'ashlar'\n\
         jit = off\n{settings}",
        spec.port
    );
    let path = data.join("postgresql.conf");
    files::write(&path, &text)?;
    account.own(&path)
}

async fn make_cluster(
    spec: &Spec,
    account: &Account,
    durability: Durability,
    password: Option<&Secret>,
) -> Result<()> {
    // It gets its name last, so that one half made is never taken for whole.
    let data = spec.path("data-unfinished");
    if data.exists() {
        fs::remove_dir_all(&data).with_context(|| format!("removing {}", data.display()))?;
    }
    fs::create_dir_all(&data).with_context(|| format!("making {}", data.display()))?;
    account.own(&data)?;
    let mut command = bare(&PostgresPrograms::find()?.initdb, &data);
    command.arg("--pgdata").arg(&data);
    // The C locale is the same on every machine.
    command.args(["--username=postgres", "--encoding=UTF8", "--no-locale", "--no-instructions"]);
    if durability == Durability::Fast {
        command.arg("--no-sync");
    }
    let entrance = spec.path("superuser-password");
    match password {
        Some(password) => {
            files::write_private(&entrance, password.expose())?;
            account.own(&entrance)?;
            command.arg("--auth=scram-sha-256").arg("--pwfile").arg(&entrance);
        }
        None => {
            command.arg("--auth=trust");
        }
    }
    account.enter(&mut command);
    let made = process::Command::from(command).kill_on_drop(true).output();
    let output = tokio::time::timeout(CLUSTER_WITHIN, made).await;
    if password.is_some() {
        // The state file keeps it from here on.
        fs::remove_file(&entrance).with_context(|| format!("removing {}", entrance.display()))?;
    }
    let output = output.context("initdb did not end in time")?.context("starting initdb")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("initdb failed in {}: {}", data.display(), said.trim());
    }
    let whole = spec.data();
    fs::rename(&data, &whole).with_context(|| format!("naming {}", whole.display()))
}

/// The server, which makes its own children.
pub(crate) fn parts(spec: &Spec) -> Result<Vec<Part>> {
    let data = spec.data();
    let mut command = bare(&PostgresPrograms::find()?.postgres, &data);
    command.arg("-D").arg(&data);
    Account::for_engines()?.enter(&mut command);
    Ok(alone(command))
}
