//! What a developer needs to run the product on the engines that `up` has started.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use kernel::Secret;
use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};

use super::{
    Engine,
    book::{Book, Roles},
    named::Named,
    spec::Spec,
};
use crate::{files, workspace::Workspace};

/// The database of the product in the private PostgreSQL.
const DATABASE: &str = "ashlar";

/// Writes a configuration for these engines beside their data, and returns how to use it.
pub(super) async fn write(
    workspace: &Workspace,
    book: &mut Book,
    named: &[Named],
) -> Result<String> {
    let roles = book.roles()?;
    let spec = |engine| book.entry(engine).map(|entry| &entry.spec);
    let is_named = |engine| named.iter().find(|named| named.engine == engine);
    if let (Some(postgres), None) = (spec(Engine::Postgres), is_named(Engine::Postgres)) {
        make_database(postgres).await?;
    }
    let mut text = "# Written by `cargo xtask services up`.\n\n".to_owned();
    for engine in [Engine::Postgres, Engine::RabbitMq, Engine::Redis] {
        let lines = match (is_named(engine), spec(engine)) {
            (Some(named), _) => {
                format!("{}# {} is named by {}.\n", choice(engine), engine.name(), named.by)
            }
            (None, Some(spec)) => section(spec, self::pooler(book), &roles),
            (None, None) => continue,
        };
        text.push_str(&lines);
        text.push('\n');
    }
    let path = path(workspace);
    files::write_private(&path, &format!("{}\n", text.trim_end()))?;
    // As a person in the checkout would type it.
    let path = files::relative(workspace.root(), &path);
    Ok(format!(
        "{path} names them, with their passwords. The product on these engines:\n\
         \x20   cargo run -- --config {path} migrate up\n\
         \x20   cargo run -- --config {path}\n\
         In every shape, and with no more said: cp {path} ashlar.toml"
    ))
}

/// Removes the configuration, whose engines and passwords are gone.
pub(super) fn remove(workspace: &Workspace) -> Result<()> {
    let path = path(workspace);
    if path.exists() {
        fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(())
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.target().join("services/ashlar.toml")
}

fn pooler(book: &Book) -> Option<&Spec> {
    book.entry(Engine::PgBouncer).map(|entry| &entry.spec)
}

/// What chooses the engine.
const fn choice(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "[store]\nengine = \"postgres\"\n\n",
        Engine::RabbitMq => "[events]\nbus = \"rabbitmq\"\n\n",
        Engine::Redis | Engine::PgBouncer => "",
    }
}

fn section(spec: &Spec, pooler: Option<&Spec>, roles: &Roles) -> String {
    let engine = spec.engine();
    let setting = |key: &str, value: &str| format!("{key} = \"{value}\"\n");
    let address = spec.address();
    let mut lines = format!("{}[{}]\n", choice(engine), engine.slug());
    if engine == Engine::Postgres {
        let served = pooler.map_or_else(|| address.clone(), Spec::address);
        lines.push_str(&setting("url", &served.at(DATABASE).anonymous()));
        lines.push_str(&setting("admin_url", &address.at(DATABASE).in_clear()));
        for (key, password) in [("app_password", &roles.app), ("system_password", &roles.system)] {
            lines.push_str(&setting(key, Secret::expose(password)));
        }
        if pooler.is_some() {
            lines.push_str(&setting("pooler", "transaction"));
        }
    } else {
        lines.push_str(&setting("url", &address.in_clear()));
    }
    lines
}

/// `migrate up` makes schemas and roles in a database, not the database.
async fn make_database(postgres: &Spec) -> Result<()> {
    let url = postgres.address().in_clear();
    let options: PgConnectOptions = url.parse().context("reading the address of PostgreSQL")?;
    let mut connection = options.disable_statement_logging().connect().await?;
    let there: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(DATABASE)
        .fetch_optional(&mut connection)
        .await?;
    if there.is_none() {
        // A constant of ours, and no name can be bound.
        sqlx::raw_sql("CREATE DATABASE ashlar").execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Durability, spec::Recipe},
        *,
    };

    #[test]
    fn the_lines_are_a_configuration() {
        let secret = |text: &str| Some(Secret::new(text));
        let spec = |recipe, port| Spec { recipe, folder: PathBuf::new(), port };
        let durability = Durability::Real;
        let postgres = spec(Recipe::Postgres { durability, password: secret("p") }, 1);
        let recipe = Recipe::PgBouncer { postgres_port: 1, password: secret("p") };
        let pooler = spec(recipe, 2);
        let roles = Roles { app: Secret::new("a"), system: Secret::new("s") };
        assert_eq!(
            section(&postgres, Some(&pooler), &roles),
            "[store]\nengine = \"postgres\"\n\n[postgres]\n\
             url = \"postgres://127.0.0.1:2/ashlar\"\n\
             admin_url = \"postgres://postgres:p@127.0.0.1:1/ashlar\"\n\
             app_password = \"a\"\nsystem_password = \"s\"\npooler = \"transaction\"\n"
        );
        let redis = section(&spec(Recipe::Redis, 3), None, &roles);
        assert_eq!(redis, "[redis]\nurl = \"redis://127.0.0.1:3\"\n");
    }
}
