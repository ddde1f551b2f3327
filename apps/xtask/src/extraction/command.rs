//! The commands `extract` and `absorb`.

use std::path::{self, Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use kernel::Secret;

use super::{
    ByProgram, Inventory, Outcome, absorb, extract,
    journal::Direction,
    postgres::{self, Moved},
};
use crate::{
    console::{say, table},
    settings::Settings,
    shapes::served_url,
    workspace::{Workspace, module_name, service_name},
};

/// What `extract` and `absorb` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The module, such as `billing`.
    module: String,
    /// The monolith's data directory; `data` in the repository where nothing is said.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// On PostgreSQL, the database that the data are in, as a user who may change schemas there:
    /// `postgres://admin@host/database`, with the password in `~/.pgpass`. Where it is left out,
    /// `postgres.admin_url` for `extract`, and `modules.<module>.postgres.admin_url` for `absorb`.
    #[arg(long, value_name = "URL")]
    from: Option<Secret>,
    /// On PostgreSQL, the database that they are to be in, in the same way. It may be left out for
    /// `absorb`, where it is `postgres.admin_url`.
    #[arg(long, value_name = "URL")]
    to: Option<Secret>,
}

/// Runs `cargo xtask extract`.
///
/// # Errors
/// As [`extract`].
pub fn run_extract(options: &Options) -> Result<()> {
    if let Some(databases) = options.databases(Direction::Extract)? {
        return databases.carry_out();
    }
    let (module, data) = options.read()?;
    match runtime()?.block_on(extract(&module, &data))? {
        Outcome::AlreadyDone => {
            say(format_args!("{module}'s data are with its service already: nothing to do"));
        }
        Outcome::Moved { tables, kept } => {
            print_tables(&tables);
            say(format_args!("\n{module}'s data were moved and verified."));
            say(format_args!("The file that they came from is kept: {}", kept.display()));
        }
    }
    say(after_extraction(&module, &data));
    Ok(())
}

/// Runs `cargo xtask absorb`.
///
/// # Errors
/// As [`absorb`].
pub fn run_absorb(options: &Options) -> Result<()> {
    if let Some(databases) = options.databases(Direction::Absorb)? {
        return databases.carry_out();
    }
    let (module, data) = options.read()?;
    match runtime()?.block_on(absorb(&module, &data))? {
        Outcome::AlreadyDone => {
            say(format_args!("{module}'s data are with the monolith already: nothing to do"));
        }
        Outcome::Moved { tables, kept } => {
            print_tables(&tables);
            say(format_args!("\n{module}'s data are with the monolith again, and verified."));
            say(format_args!("The file that they came from is kept: {}", kept.display()));
        }
    }
    let name = module_name(&module);
    say(format_args!(
        "\nStart the monolith with `cargo run`, or `cargo xtask up`. Where a configuration has the \
         section\n`[modules.{name}]`, take it out."
    ));
    Ok(())
}

impl Options {
    /// The databases to move between; `None` where the data are files.
    fn databases(&self, direction: Direction) -> Result<Option<Databases>> {
        let workspace = Workspace::find()?;
        let settings = Settings::read(workspace.root())?;
        let is_postgres = settings.text("store", "engine").as_deref() == Some("postgres");
        if !is_postgres && self.from.is_none() && self.to.is_none() {
            return Ok(None);
        }
        let module = workspace.module(&self.module)?;
        let own = format!("modules.{}.postgres", module_name(&module));
        let (from, to) = match direction {
            Direction::Extract => (Some("postgres"), None),
            Direction::Absorb => (Some(own.as_str()), Some("postgres")),
        };
        let url = |given: &Option<Secret>, option: &str, section: Option<&str>| {
            if let Some(url) = given {
                return Ok(url.clone());
            }
            let configured = match section {
                Some(section) => settings.secret(section, "admin_url")?,
                None => None,
            };
            let otherwise =
                section.map_or_else(String::new, |it| format!(", or set {it}.admin_url"));
            configured
                .map(Secret::new)
                .with_context(|| format!("say which database with --{option} URL{otherwise}"))
        };
        let (from, to) = (url(&self.from, "from", from)?, url(&self.to, "to", to)?);
        Ok(Some(Databases { module, direction, from, to, workspace }))
    }

    /// The module by its crate's name, and the directory.
    fn read(&self) -> Result<(String, PathBuf)> {
        let workspace = Workspace::find()?;
        let module = workspace.module(&self.module)?;
        let data = self.data.clone().unwrap_or_else(|| workspace.root().join("data"));
        let data = path::absolute(&data).with_context(|| format!("locating {}", data.display()))?;
        Ok((module, data))
    }
}

/// A move between two databases.
struct Databases {
    module: String,
    direction: Direction,
    from: Secret,
    to: Secret,
    workspace: Workspace,
}

impl Databases {
    fn carry_out(&self) -> Result<()> {
        let module = &self.module;
        let migrate = ByProgram::built(self.workspace.clone(), module);
        let relocation =
            postgres::Relocation { module, from: &self.from, to: &self.to, migrate: &migrate };
        let moved = runtime()?.block_on(async {
            match self.direction {
                Direction::Extract => relocation.extract().await,
                Direction::Absorb => relocation.absorb().await,
            }
        })?;
        match moved {
            Moved::Before => say(format_args!("{module}'s data are there already: nothing to do")),
            Moved::Now { tables, kept } => {
                print_tables(&tables);
                say(format_args!("\n{module}'s data were moved and verified."));
                say(format_args!("What they came from is kept: {kept}"));
            }
        }
        say(self.what_to_set()?);
        Ok(())
    }

    fn what_to_set(&self) -> Result<String> {
        let (module, name) = (&self.module, module_name(&self.module));
        let program = service_name(module);
        Ok(match self.direction {
            Direction::Extract => format!(
                "\nTell {program}\n    [store]\n    engine = \"postgres\"\n    \
                 [modules.{name}.postgres]\n    url = \"{}\"\n\
                 with the passwords of its roles; where they are new on that server, its `migrate` \
                 sets them.\nTell the others where it runs (`modules.{name}.urls`).\n\n\
                 The way back: cargo xtask absorb {module} --from URL",
                served_url(&self.to)?
            ),
            Direction::Absorb => format!(
                "\nTake the section `[modules.{name}.postgres]` out, and start the programs again."
            ),
        })
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn print_tables(inventory: &Inventory) {
    let head = ["table", "rows", "sha-256 of its rows"].map(str::to_owned).to_vec();
    let rows = inventory.tables.iter().map(|found| {
        let mut digest = found.digest.clone();
        digest.truncate(16);
        vec![found.name.clone(), found.rows.to_string(), digest]
    });
    say(table(&[head].into_iter().chain(rows).collect::<Vec<_>>()));
}

fn after_extraction(module: &str, data: &Path) -> String {
    let (name, service) = (module_name(module), service_name(module));
    let data = data.display();
    format!(
        "\nStart both with\n    cargo xtask up --extract {module}\nor by hand. Tell the monolith\n    \
         [modules.{name}]\n    urls = [\"http://127.0.0.1:9081\"]\n    \
         public_urls = [\"http://127.0.0.1:8081\"]\nand {service}\n    [data]\n    \
         dir = \"{data}/{service}\"\n    keys_dir = \"{data}/keys\"\n    \
         sandbox_dir = \"{data}/sandbox\"\nThe rest of a service's configuration is as in \
         deploy/billing-service.toml.\n\nThe way back: cargo xtask absorb {module}"
    )
}
