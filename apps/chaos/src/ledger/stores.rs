//! Looks into the stores themselves, for what nothing else tells. The programs have ended by then.

use std::path::Path;

use anyhow::{Context as _, Result};
use kernel::Secret;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};

use super::evidence::{
    AuthStore, BillingStore, Incoming, Invitation, NotificationsStore, Outgoing, Person, Platform,
    Row,
};

/// An id without its hyphens: as the embedded engine's bytes read in hexadecimal.
pub(super) fn digits(text: &str) -> String {
    text.replace('-', "").to_lowercase()
}

/// A module's store, to be read.
pub(super) struct Books {
    connection: DatabaseConnection,
}

impl Books {
    /// The module's file in the data directory.
    pub(super) async fn of_file(data: &Path, module: &str) -> Result<Self> {
        let url = format!("sqlite://{}?mode=ro", data.join(format!("{module}.db")).display());
        let connection = Database::connect(&url).await;
        Ok(Self {
            connection: connection.with_context(|| format!("opening the store of {module}"))?,
        })
    }

    /// The module's schema, as the administrator of the database.
    pub(super) async fn of_schema(database: &Secret, module: &str) -> Result<Self> {
        let url = database.expose();
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{separator}options=-csearch_path%3D{module}");
        let connection = Database::connect(&url).await;
        Ok(Self { connection: connection.with_context(|| format!("opening the schema {module}"))? })
    }

    /// Rows of text. `id(x)` in `sql` stands for the id `x` in hexadecimal.
    async fn rows<const N: usize>(&self, sql: &str) -> Result<Vec<[String; N]>> {
        let backend = self.connection.get_database_backend();
        let hex = match backend {
            DbBackend::Sqlite => "hex(",
            _ => "text(",
        };
        let statement = Statement::from_string(backend, sql.replace("id(", hex));
        let rows = self.connection.query_all_raw(statement).await;
        let rows = rows.with_context(|| format!("asking `{sql}`"))?;
        let read = |row: sea_orm::QueryResult| -> Result<[String; N]> {
            let mut cells = std::array::from_fn(|_| String::new());
            for (position, cell) in cells.iter_mut().enumerate() {
                *cell = row.try_get_by_index::<Option<String>>(position)?.unwrap_or_default();
            }
            Ok(cells)
        };
        rows.into_iter().map(read).collect()
    }

    pub(super) async fn auth(&self) -> Result<AuthStore> {
        let people = self.rows(
            "SELECT id(u.id), u.email, CASE WHEN u.email_verified_at IS NULL THEN '' ELSE 'yes' END, \
             id(m.tenant_id), m.role FROM users u JOIN memberships m ON m.user_id = u.id",
        );
        let people =
            people.await?.into_iter().map(|[user, email, verified, tenant, role]| Person {
                user: digits(&user),
                email,
                verified: !verified.is_empty(),
                tenant: digits(&tenant),
                role,
            });
        let invitations =
            self.rows("SELECT id(id), id(tenant_id), email, status FROM invitations").await?;
        let invitation = |[id, tenant, email, status]: [String; 4]| Invitation {
            id: digits(&id),
            tenant: digits(&tenant),
            email,
            status,
        };
        Ok(AuthStore {
            people: people.collect(),
            invitations: invitations.into_iter().map(invitation).collect(),
        })
    }

    pub(super) async fn billing(&self) -> Result<BillingStore> {
        Ok(BillingStore {
            subscriptions: self
                .table("SELECT id(id), id(tenant_id), status FROM subscriptions")
                .await?,
            charges: self.table("SELECT id(id), id(tenant_id), state FROM charges").await?,
            seats: self.table("SELECT holder, id(tenant_id), '' FROM seats").await?,
        })
    }

    pub(super) async fn notifications(&self) -> Result<NotificationsStore> {
        Ok(NotificationsStore {
            mails: self.table("SELECT id(id), id(tenant_id), state FROM mails").await?,
        })
    }

    async fn table(&self, sql: &str) -> Result<Vec<Row>> {
        let row = |[name, tenant, state]: [String; 3]| Row {
            name: digits(&name),
            tenant: digits(&tenant),
            state,
        };
        Ok(self.rows(sql).await?.into_iter().map(row).collect())
    }

    pub(super) async fn platform(&self) -> Result<Platform> {
        let outbox = self.rows(
            "SELECT id(event_id), destination, \
             CASE WHEN sent_at IS NULL THEN '' ELSE 'yes' END FROM outbox",
        );
        let outgoing = |[event, destination, sent]: [String; 3]| Outgoing {
            event: digits(&event),
            destination,
            sent: !sent.is_empty(),
        };
        let inbox = self.rows("SELECT id(event_id), consumer, state FROM inbox");
        let incoming = |[event, consumer, state]: [String; 3]| Incoming {
            event: digits(&event),
            consumer,
            state,
        };
        let words = |row: [String; 3]| row.join(" ").trim().to_owned();
        let keys = self.rows(
            "SELECT route, key, id(tenant_id) FROM idempotency_keys WHERE state = 'in_flight'",
        );
        let calls =
            self.rows("SELECT method, key, id(tenant_id) FROM call_records WHERE outcome IS NULL");
        Ok(Platform {
            outbox: outbox.await?.into_iter().map(outgoing).collect(),
            inbox: inbox.await?.into_iter().map(incoming).collect(),
            keys_in_flight: keys.await?.into_iter().map(words).collect(),
            calls_without_outcome: calls.await?.into_iter().map(words).collect(),
        })
    }
}
