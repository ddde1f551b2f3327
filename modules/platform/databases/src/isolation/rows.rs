//! Tables with a row of each of two tenants, whatever their columns are.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use super::{OURS, THEIRS};

/// A table that the application role reaches.
pub(super) struct Table {
    pub(super) name: String,
    /// With its schema, quoted.
    pub(super) path: String,
    /// The tenant's column, quoted.
    pub(super) tenant: String,
    /// Those that must be given a value, quoted, with an expression that makes one.
    columns: Vec<(String, String)>,
    /// The name of the primary key, quoted.
    pub(super) key: Option<String>,
    /// Whether tenants only add to it.
    pub(super) only_adds: bool,
}

impl Table {
    pub(super) async fn read(
        superuser: &DatabaseConnection,
        module: &str,
        name: &str,
        tenant: &str,
        only_adds: bool,
    ) -> Result<Self, DbErr> {
        let path = format!("\"{module}\".\"{name}\"");
        let select = format!(
            "SELECT quote_ident(attname) AS name, format_type(atttypid, NULL) AS kind, \
             CASE WHEN atttypmod > 4 THEN atttypmod - 4 END AS length, \
             (SELECT quote_ident(conname) FROM pg_constraint \
             WHERE conrelid = attrelid AND contype = 'p') AS key \
             FROM pg_attribute WHERE attrelid = '{path}'::regclass AND attnum > 0 \
             AND NOT attisdropped AND NOT atthasdef AND attidentity = '' ORDER BY attnum"
        );
        let mut columns = Vec::new();
        let mut key = None;
        for row in ask(superuser, &select).await? {
            let kind: String = row.try_get("", "kind")?;
            let length: Option<i32> = row.try_get("", "length")?;
            columns.push((row.try_get("", "name")?, value(&kind, length.unwrap_or(32))?));
            key = row.try_get("", "key")?;
        }
        let tenant = format!("\"{tenant}\"");
        Ok(Self { name: name.to_owned(), path, tenant, columns, key, only_adds })
    }

    /// Leaves one row of each tenant in the table, and nothing else.
    pub(super) async fn fill(&self, superuser: &DatabaseConnection) -> Result<(), DbErr> {
        let script = format!(
            // What rows refer to need not be there.
            "BEGIN; SET LOCAL session_replication_role = 'replica'; DELETE FROM {}; {}; {}; COMMIT",
            self.path,
            self.insert(OURS),
            self.insert(THEIRS)
        );
        superuser.execute_unprepared(&script).await.map(drop)
    }

    /// Adds a row of `tenant`.
    pub(super) fn insert(&self, tenant: &str) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| &**name).collect();
        format!("INSERT INTO {} ({}) SELECT {}", self.path, names.join(", "), self.values(tenant))
    }

    /// What a row of `tenant` consists of.
    fn values(&self, tenant: &str) -> String {
        let own = format!("'{tenant}'::uuid");
        let unquoted = self.tenant.trim_matches('"');
        let values: Vec<&str> = self
            .columns
            .iter()
            .map(|(name, value)| if name.trim_matches('"') == unquoted { &own } else { &**value })
            .collect();
        values.join(", ")
    }

    /// A select of the foreign row itself, or of what it would be as ours.
    pub(super) async fn their_row(
        &self,
        superuser: &DatabaseConnection,
        tenant: &str,
    ) -> Result<String, DbErr> {
        let (path, column) = (&self.path, self.tenant.trim_matches('"'));
        let select = format!(
            "SELECT quote_literal(to_jsonb(held) || jsonb_build_object('{column}', '{tenant}')) \
             AS line FROM {path} AS held WHERE held.\"{column}\" = '{THEIRS}'"
        );
        let found = ask(superuser, &select).await?;
        let row = found.first().ok_or(DbErr::RecordNotFound(path.clone()))?;
        let row: String = row.try_get("", "line")?;
        Ok(format!("SELECT * FROM jsonb_populate_record(NULL::{path}, {row})"))
    }

    /// All that is in the table.
    pub(super) async fn content(&self, superuser: &DatabaseConnection) -> Result<Content, DbErr> {
        let (path, column) = (&self.path, &self.tenant);
        let select = format!(
            "SELECT {column} = '{THEIRS}' AS theirs, held::text AS line FROM {path} AS held ORDER BY 2"
        );
        let mut content = Content::default();
        for row in ask(superuser, &select).await? {
            let is_theirs: bool = row.try_get("", "theirs")?;
            let rows = if is_theirs { &mut content.theirs } else { &mut content.ours };
            rows.push(row.try_get("", "line")?);
        }
        Ok(content)
    }
}

/// The rows of a table, in full.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) ours: Vec<String>,
    pub(super) theirs: Vec<String>,
}

/// An expression of that type, another with each row.
fn value(kind: &str, length: i32) -> Result<String, DbErr> {
    Ok(match kind {
        "uuid" => "gen_random_uuid()".to_owned(),
        "text" | "character varying" => format!("left(md5(random()::text), {length})"),
        "smallint" | "integer" | "bigint" => "(random() * 1000)::int".to_owned(),
        "timestamp with time zone" => "now()".to_owned(),
        "json" | "jsonb" => "'{}'::jsonb".to_owned(),
        "boolean" => "true".to_owned(),
        "bytea" => "'\\x00'::bytea".to_owned(),
        other => {
            let message = format!("the isolation matrix knows no value of the type {other}");
            return Err(DbErr::Type(message));
        }
    })
}

async fn ask(
    superuser: &DatabaseConnection,
    select: &str,
) -> Result<Vec<sea_orm::QueryResult>, DbErr> {
    superuser.query_all_raw(Statement::from_string(DbBackend::Postgres, select)).await
}
