//! The roles of a module, and what a program may not be.

use sea_orm::{DbBackend, Statement};

use super::{
    errors::unreachable,
    pool::Pool,
    schema::Passwords,
    verifier::{self, NotAscii},
};
use crate::StoreError;

/// What a store logs in as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    App,
    System,
}

/// Owns the schema and everything in it. Nobody logs in as it.
pub(super) fn owner(module: &str) -> String {
    format!("{module}_owner")
}

/// Works for tenants.
pub(super) fn app(module: &str) -> String {
    format!("{module}_app")
}

/// Works for all.
pub(super) fn system(module: &str) -> String {
    format!("{module}_system")
}

/// Refuses a role that the policies do not bind, or not those of it alone.
pub(super) async fn check(
    module: &'static str,
    pool: &Pool,
    expected: &str,
) -> Result<(), StoreError> {
    let select = "SELECT current_user::text AS name, role.rolsuper AS is_superuser, \
         role.rolbypassrls AS bypasses, \
         pg_has_role(current_user, namespace.nspowner, 'MEMBER') AS is_owner, \
         EXISTS (SELECT 1 FROM pg_class AS held WHERE held.relnamespace = namespace.oid \
         AND pg_has_role(current_user, held.relowner, 'MEMBER')) AS owns_tables, \
         EXISTS (SELECT 1 FROM pg_auth_members AS membership \
         JOIN pg_roles AS joined ON joined.oid = membership.roleid \
         WHERE membership.member = role.oid \
         AND (role.rolinherit OR joined.rolname <> $1)) AS is_member \
         FROM pg_roles AS role \
         LEFT JOIN pg_namespace AS namespace ON namespace.nspname = current_schema() \
         WHERE role.rolname = current_user";
    // A policy for a role is one for its members too. The system role alone may become another, the
    // application's, and does not inherit from it.
    let statement =
        Statement::from_sql_and_values(DbBackend::Postgres, select, [app(module).into()]);
    let rows = pool.read(&statement).await.map_err(|error| unreachable(module, error))?;
    let unreadable = |source| StoreError::Database { module, source };
    let Some(row) = rows.into_iter().next() else {
        return Err(unsafe_role(module, expected, "is not known to the server"));
    };
    let name: String = row.try_get("", "name").map_err(unreadable)?;
    let asked = |column: &str| -> Result<bool, StoreError> {
        let answer: Option<bool> = row.try_get("", column).map_err(unreadable)?;
        Ok(answer.unwrap_or_default())
    };
    if name != expected {
        let why = "is not the one that was logged in as: something in between has changed it";
        return Err(unsafe_role(module, &name, why));
    }
    if asked("is_superuser")? {
        return Err(unsafe_role(module, &name, "is a superuser, whom no policy binds"));
    }
    if asked("bypasses")? {
        return Err(unsafe_role(module, &name, "has BYPASSRLS, so that no policy binds it"));
    }
    if asked("is_owner")? || asked("owns_tables")? {
        return Err(unsafe_role(module, &name, "owns the schema or a table in it"));
    }
    if asked("is_member")? {
        return Err(unsafe_role(module, &name, "is a member of another role, whose rights it has"));
    }
    Ok(())
}

fn unsafe_role(module: &'static str, role: &str, why: &'static str) -> StoreError {
    StoreError::UnsafeRole { module, role: role.to_owned(), why }
}

/// Nobody waits for ever: not for a lock, not for an answer, and not for a process that stopped
/// with a transaction open. Set on the roles, so that it holds behind a pooler too.
///
/// What was cut off while it committed is rolled back to be sure; that there was nothing left to
/// roll back is no warning to anybody.
pub(super) const SETTINGS: [(&str, &str); 5] = [
    ("client_min_messages", "error"),
    ("search_path", "{module}"),
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "60s"),
];

/// Creates the roles and sets what they begin with. What is as it should be is not touched, but for
/// passwords, of which nobody can tell.
pub(super) fn script(module: &str, passwords: &Passwords) -> Result<String, NotAscii> {
    let (owner, app, system) = (owner(module), app(module), system(module));
    // The system role may become the application role inside a transaction, and has none of its
    // rights before it does (NOINHERIT): a policy for the one is not a policy for the other.
    let mut script = format!(
        "DO $$ BEGIN \
         IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{owner}') THEN \
         CREATE ROLE \"{owner}\" NOLOGIN; END IF; \
         IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{app}') THEN \
         CREATE ROLE \"{app}\" LOGIN NOBYPASSRLS; END IF; \
         IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{system}') THEN \
         CREATE ROLE \"{system}\" LOGIN NOINHERIT NOBYPASSRLS; END IF; \
         IF NOT pg_has_role('{system}', '{app}', 'MEMBER') THEN \
         GRANT \"{app}\" TO \"{system}\"; END IF; \
         IF NOT pg_has_role(current_user, '{owner}', 'MEMBER') THEN \
         EXECUTE format('GRANT %I TO %I', '{owner}', current_user); END IF; "
    );
    for role in [&app, &system] {
        for (setting, value) in SETTINGS {
            let value = value.replace("{module}", module);
            script += &format!(
                "IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}' \
                 AND '{setting}={value}' = ANY (rolconfig)) THEN \
                 ALTER ROLE \"{role}\" SET {setting} = '{value}'; END IF; "
            );
        }
    }
    script += "END $$; ";
    for (role, password) in [(&app, &passwords.app), (&system, &passwords.system)] {
        if let Some(password) = password {
            let verifier = verifier::of(password)?;
            script += &format!("ALTER ROLE \"{role}\" PASSWORD '{verifier}'; ");
        }
    }
    Ok(script)
}
