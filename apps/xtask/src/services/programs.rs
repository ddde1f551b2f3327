//! Where the engines' programs are, and what is missing.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{Engine, install};
use crate::{steps, tools::Install};

/// Older ones lack what the stores use.
const OLDEST_POSTGRES: u32 = 15;

pub(super) struct PostgresPrograms {
    pub(super) initdb: PathBuf,
    pub(super) postgres: PathBuf,
}

pub(super) struct RabbitMqPrograms {
    pub(super) server: PathBuf,
    pub(super) epmd: PathBuf,
}

pub(super) struct RedisPrograms {
    pub(super) server: PathBuf,
}

pub(super) struct PgBouncerPrograms {
    pub(super) server: PathBuf,
}

/// What a person can do who does not want to install anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Name running engines in the configuration of the programs.
    Name,
    /// Name running engines that tests may do with as they like.
    NameForTests,
    /// Nothing: the command stops, kills and fills engines.
    Nothing,
}

/// Makes sure that `engines` can be started here.
///
/// # Errors
/// They cannot, and may or can not be installed; the message says how to install them.
pub fn ensure(engines: &[Engine], install: Install, otherwise: Otherwise) -> Result<()> {
    let missing = missing(engines);
    if missing.is_empty() {
        return Ok(());
    }
    if !install.install {
        bail!("{}", complaint(&missing, otherwise));
    }
    let packages: Vec<&str> = missing.iter().map(|(engine, _)| engine.package()).collect();
    install::packages(&packages)?;
    match self::missing(engines) {
        still if still.is_empty() => Ok(()),
        still => bail!("after the installation: {}", listed(&still)),
    }
}

/// Where HAProxy is, which is no engine but stands before replicas.
///
/// # Errors
/// It is nowhere, and may or can not be installed; the message says how to install it.
pub fn haproxy(install: Install) -> Result<PathBuf> {
    found_or_installed("haproxy", "haproxy", install)
}

/// Where Prometheus is, which is no engine but watches programs.
///
/// # Errors
/// As [`haproxy`].
pub(super) fn prometheus(install: Install) -> Result<PathBuf> {
    found_or_installed("prometheus", PROMETHEUS, install)
}

/// Where the program is that checks what Prometheus is told; `None` where it is nowhere and may not be
/// installed.
///
/// # Errors
/// It cannot be installed.
pub fn promtool(install: Install) -> Result<Option<PathBuf>> {
    const NAME: &str = "promtool";
    if install.install {
        return found_or_installed(NAME, PROMETHEUS, install).map(Some);
    }
    Ok(on_path(NAME))
}

/// What a person would type.
pub(crate) fn how_to_get_prometheus() -> String {
    install::shown(&[PROMETHEUS])
}

/// The package that has both, on Debian and Ubuntu.
const PROMETHEUS: &str = "prometheus";

fn found_or_installed(name: &str, package: &str, install: Install) -> Result<PathBuf> {
    if let Some(program) = on_path(name) {
        return Ok(program);
    }
    if !install.install {
        bail!(
            "`{name}` was not found. Install it with\n    {}\nor run this command again with \
             --install",
            install::shown(&[package])
        );
    }
    install::packages(&[package])?;
    on_path(name).with_context(|| format!("after the installation `{name}` was not found"))
}

fn missing(engines: &[Engine]) -> Vec<(Engine, anyhow::Error)> {
    engines.iter().filter_map(|engine| Some((*engine, find(*engine).err()?))).collect()
}

fn find(engine: Engine) -> Result<()> {
    match engine {
        Engine::Postgres => PostgresPrograms::find().map(drop),
        Engine::RabbitMq => RabbitMqPrograms::find().map(drop),
        Engine::Redis => RedisPrograms::find().map(drop),
        Engine::PgBouncer => PgBouncerPrograms::find().map(drop),
    }
}

fn listed(missing: &[(Engine, anyhow::Error)]) -> String {
    let lines = missing.iter().map(|(engine, why)| format!("{}: {why:#}", engine.name()));
    lines.collect::<Vec<_>>().join("; ")
}

fn complaint(missing: &[(Engine, anyhow::Error)], otherwise: Otherwise) -> String {
    let packages: Vec<&str> = missing.iter().map(|(engine, _)| engine.package()).collect();
    let otherwise = match otherwise {
        Otherwise::Name => {
            ". Or name running ones: ASHLAR__POSTGRES__ADMIN_URL, ASHLAR__RABBITMQ__URL, \
             ASHLAR__REDIS__URL"
        }
        Otherwise::NameForTests => {
            ". Or name running ones that tests may fill: ASHLAR_TEST_POSTGRES (a superuser's \
             address), ASHLAR_TEST_RABBITMQ, ASHLAR_TEST_REDIS. Or leave them out with --embedded"
        }
        Otherwise::Nothing => "",
    };
    format!(
        "{}. Install what is missing with\n    {}\nor run this command again with \
         --install{otherwise}",
        listed(missing),
        install::shown(&packages)
    )
}

impl PostgresPrograms {
    pub(super) fn find() -> Result<Self> {
        let newest = postgres_folders().into_iter().filter_map(|folder| {
            let (initdb, postgres) = (folder.join("initdb"), folder.join("postgres"));
            Some((major_version(&postgres)?, Self { initdb, postgres }))
        });
        let newest = newest.max_by_key(|(version, _)| *version);
        let (version, programs) = newest.context("`initdb` and `postgres` were not found")?;
        if version < OLDEST_POSTGRES {
            bail!("version {version} is here, and {OLDEST_POSTGRES} or newer is needed");
        }
        Ok(programs)
    }
}

impl RabbitMqPrograms {
    pub(super) fn find() -> Result<Self> {
        // Debian's /usr/sbin/rabbitmq-server is a wrapper for the system's own node: it insists on
        // the user `rabbitmq` and its folders. The program behind it runs for anybody.
        let server = Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server");
        let server =
            if server.exists() { Some(server.to_owned()) } else { on_path("rabbitmq-server") };
        Ok(Self {
            server: server.context("`rabbitmq-server` was not found")?,
            epmd: epmd().context("Erlang's `epmd` was not found")?,
        })
    }
}

impl RedisPrograms {
    pub(super) fn find() -> Result<Self> {
        let server = on_path("redis-server").or_else(|| on_path("valkey-server"));
        Ok(Self { server: server.context("`redis-server` was not found")? })
    }
}

impl PgBouncerPrograms {
    pub(super) fn find() -> Result<Self> {
        Ok(Self { server: on_path("pgbouncer").context("`pgbouncer` was not found")? })
    }
}

/// The program in `PATH`, or where packages put what is not for everybody's.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    const MORE: [&str; 4] =
        ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin"];
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(MORE.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// In `PATH`, or beside the Erlang that is.
fn epmd() -> Option<PathBuf> {
    on_path("epmd").or_else(|| {
        let erl = fs::canonicalize(on_path("erl")?).ok()?;
        Some(erl.parent()?.join("epmd")).filter(|path| path.is_file())
    })
}

/// Debian keeps each version in a folder of its own, none of which is in `PATH`; so does Homebrew.
fn postgres_folders() -> Vec<PathBuf> {
    const PARENTS: [(&str, &str); 4] = [
        ("/usr/lib/postgresql", "bin"),
        ("/usr/pgsql", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
    ];
    let in_path = on_path("initdb").and_then(|initdb| Some(initdb.parent()?.to_owned()));
    let elsewhere = PARENTS.iter().flat_map(|(parent, bin)| {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        entries.map(move |entry| entry.path().join(bin))
    });
    let has_both =
        |folder: &PathBuf| ["initdb", "postgres"].iter().all(|it| folder.join(it).is_file());
    in_path.into_iter().chain(elsewhere).filter(has_both).collect()
}

fn major_version(postgres: &Path) -> Option<u32> {
    version_in(&steps::output(Command::new(postgres).arg("--version")).ok()?)
}

/// Of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version_in(text: &str) -> Option<u32> {
    let version = text.split(' ').nth(2)?;
    let digits = version.split(|it: char| !it.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read() {
        assert_eq!(version_in("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(version_in("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(version_in("no such thing"), None);
    }

    #[test]
    fn what_is_missing_is_said_with_the_command_that_installs_it() {
        let missing = [
            (Engine::Postgres, anyhow::anyhow!("`initdb` and `postgres` were not found")),
            (Engine::Redis, anyhow::anyhow!("`redis-server` was not found")),
        ];
        let complaint = complaint(&missing, Otherwise::Name);
        assert!(
            complaint.starts_with("PostgreSQL: `initdb` and `postgres` were not found; Redis: ")
        );
        assert!(complaint.contains("postgresql redis-server\n"), "{complaint}");
        assert!(complaint.contains("--install") && complaint.contains("ASHLAR__REDIS__URL"));
    }
}
