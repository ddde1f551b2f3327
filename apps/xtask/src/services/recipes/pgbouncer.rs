//! PgBouncer in transaction mode, in front of a private PostgreSQL.

use anyhow::Result;
use kernel::Secret;

use super::alone;
use crate::{
    files,
    services::{
        account::Account,
        programs::PgBouncerPrograms,
        spec::{Part, Spec, bare},
    },
};

/// Whoever PostgreSQL knows may enter: the pooler asks it for the passwords.
pub(crate) fn prepare(spec: &Spec, postgres_port: u16, password: Option<&Secret>) -> Result<()> {
    let authentication = if password.is_some() { "scram-sha-256" } else { "trust" };
    let users = spec.path("users.txt");
    let settings = format!(
        "[databases]\n* = host=127.0.0.1 port={postgres_port}\n\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {}\nunix_socket_dir =\n\
         pool_mode = transaction\nmax_client_conn = 1000\ndefault_pool_size = 20\n\
         ignore_startup_parameters = extra_float_digits\n\
         auth_type = {authentication}\nauth_file = {}\nauth_user = postgres\n\
         auth_query = SELECT usename, passwd FROM pg_catalog.pg_shadow WHERE usename = $1\n",
        spec.port,
        users.display()
    );
    let account = Account::for_engines()?;
    let settings_file = spec.path("pgbouncer.ini");
    files::write(&settings_file, &settings)?;
    files::write_private(
        &users,
        &format!("\"postgres\" \"{}\"\n", password.map_or("", Secret::expose)),
    )?;
    account.own(&settings_file)?;
    account.own(&users)
}

pub(crate) fn parts(spec: &Spec) -> Result<Vec<Part>> {
    let mut command = bare(&PgBouncerPrograms::find()?.server, &spec.folder);
    command.arg(spec.path("pgbouncer.ini"));
    Account::for_engines()?.enter(&mut command);
    Ok(alone(command))
}
