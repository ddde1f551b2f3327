//! What `services up` has started: written down, so that `down` ends exactly that.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use kernel::Secret;
use serde::{Deserialize, Serialize};

use super::{
    Durability, Engine,
    address::Address,
    process::Identity,
    scratch, secrets,
    server::{self, Lifetime, Server},
    spec::{Recipe, Spec},
};
use crate::{files, shapes};

/// The private instances of this checkout. While it is open, no other command has it open.
#[derive(Debug)]
pub(super) struct Book {
    target: PathBuf,
    written: Written,
    _lock: File,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Written {
    servers: Vec<Entry>,
    roles: Option<Roles>,
}

/// One instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) spec: Spec,
    /// None since it was stopped.
    pub(super) processes: Vec<Identity>,
}

/// What the modules' roles log in with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Roles {
    pub(super) app: Secret,
    pub(super) system: Secret,
}

impl Book {
    pub(super) fn open(target: &Path) -> Result<Self> {
        let folder = target.join("services");
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let lock = folder.join(".lock");
        let lock = File::create(&lock).with_context(|| format!("making {}", lock.display()))?;
        lock.lock().context("waiting for another `services` command")?;
        let path = path(target);
        let written = if path.exists() {
            let text = files::read(&path)?;
            let context = || format!("reading {}", path.display());
            serde_json::from_str(&text).with_context(context)?
        } else {
            Written::default()
        };
        Ok(Self { target: target.to_owned(), written, _lock: lock })
    }

    pub(super) fn entry(&self, engine: Engine) -> Option<&Entry> {
        self.written.servers.iter().find(|entry| entry.spec.engine() == engine)
    }

    /// Whether somebody who names this address means an instance of ours.
    pub(super) fn holds(&self, engine: Engine, address: &Address) -> bool {
        let ports = [Some(engine), (engine == Engine::Postgres).then_some(Engine::PgBouncer)];
        let entries = ports.into_iter().flatten().filter_map(|engine| self.entry(engine));
        entries.into_iter().any(|entry| address.is_local_port(entry.spec.port))
    }

    /// The instance as it is: running, or down.
    pub(super) fn server(&self, engine: Engine) -> Option<Server> {
        let entry = self.entry(engine)?.clone();
        Some(Server::known(entry.spec, entry.processes))
    }

    /// An instance to start: the one that was there before, on its data and, where they are free,
    /// its ports; else a new one.
    pub(super) fn prepared(&self, engine: Engine, durability: Durability) -> Result<Server> {
        let known = self.entry(engine).map(|entry| entry.spec.clone());
        let (port, recipe) = match known {
            Some(spec) => (free(spec.port)?, again(spec.recipe)?),
            None => (shapes::lease()?.0, self.new_recipe(engine, durability)?),
        };
        // The pooler follows the database, wherever that is now.
        let recipe =
            if engine == Engine::PgBouncer { self.new_recipe(engine, durability)? } else { recipe };
        let folder = scratch::lasting(&self.target, engine)?;
        Ok(Server::down(Spec { recipe, folder, port }, Lifetime::UntilDown))
    }

    fn new_recipe(&self, engine: Engine, durability: Durability) -> Result<Recipe> {
        Ok(match engine {
            Engine::Postgres => server::postgres_recipe(durability)?,
            Engine::RabbitMq => {
                Recipe::RabbitMq { node_port: shapes::lease()?.0, mapper_port: shapes::lease()?.0 }
            }
            Engine::Redis => Recipe::Redis,
            Engine::PgBouncer => {
                let postgres = self.entry(Engine::Postgres);
                let postgres = postgres.context("PgBouncer needs the private PostgreSQL")?;
                server::pgbouncer_recipe(&postgres.spec)?
            }
        })
    }

    /// Writes down how `server` is now.
    pub(super) fn note(&mut self, server: &Server) -> Result<()> {
        let entry = Entry { spec: server.spec().clone(), processes: server.identities() };
        self.written.servers.retain(|other| other.spec.engine() != server.engine());
        self.written.servers.push(entry);
        self.save()
    }

    /// The roles' passwords, made when they are first asked for.
    pub(super) fn roles(&mut self) -> Result<Roles> {
        if let Some(roles) = &self.written.roles {
            return Ok(roles.clone());
        }
        let roles = Roles { app: secrets::password()?, system: secrets::password()? };
        self.written.roles = Some(roles.clone());
        self.save()?;
        Ok(roles)
    }

    /// Forgets all instances, and removes what they kept.
    pub(super) fn forget(&mut self) -> Result<()> {
        for entry in std::mem::take(&mut self.written.servers) {
            let folder = &entry.spec.folder;
            let context = || format!("removing {}", folder.display());
            fs::remove_dir_all(folder).with_context(context)?;
        }
        self.written.roles = None;
        self.save()
    }

    fn save(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.written).context("writing the state")?;
        files::write_private(&path(&self.target), &text)
    }
}

fn path(target: &Path) -> PathBuf {
    target.join("services/state.json")
}

/// `port`, or another one where somebody has taken it in the meantime.
fn free(port: u16) -> Result<u16> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(port),
        Err(_) => Ok(shapes::lease()?.0),
    }
}

fn again(recipe: Recipe) -> Result<Recipe> {
    Ok(match recipe {
        Recipe::RabbitMq { node_port, mapper_port } => {
            Recipe::RabbitMq { node_port: free(node_port)?, mapper_port: free(mapper_port)? }
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn entry(port: u16) -> Spec {
        Spec { recipe: Recipe::Redis, folder: PathBuf::from("/gone"), port }
    }

    #[test]
    fn what_is_noted_is_read_again_and_nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let target = TempDir::new().expect("a folder");
        let mut book = Book::open(target.path()).expect("it can be made");
        book.note(&Server::down(entry(7), Lifetime::UntilDown)).expect("it can be written");
        book.note(&Server::down(entry(8), Lifetime::UntilDown)).expect("it can be written");
        let roles = book.roles().expect("they can be made");
        drop(book);

        let mode = fs::metadata(path(target.path())).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut book = Book::open(target.path()).expect("it can be read");
        assert_eq!(book.entry(Engine::Redis).expect("it is noted").spec.port, 8);
        assert!(book.entry(Engine::Postgres).is_none());
        assert_eq!(book.roles().expect("they are there").app, roles.app);
        let address = Address::parse("redis://localhost:8").expect("a URL");
        assert!(book.holds(Engine::Redis, &address) && !book.holds(Engine::RabbitMq, &address));
    }

    #[test]
    fn a_port_that_was_taken_is_given_up() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("it is bound").port();
        assert_ne!(free(port).expect("others are free"), port);
        drop(taken);
        assert_eq!(free(port).expect("it is free"), port);
    }
}
