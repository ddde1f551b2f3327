//! The catalogue says whether the schema keeps tenants apart; and it would say so if it did not.

use std::collections::BTreeMap;

use databases::catalogue::{self, Rows};
use sea_orm::{ConnectionTrait, TransactionTrait};

use super::Notes;

#[tokio::test]
async fn the_platforms_tables_are_as_they_must_be() {
    let notes = Notes::new().await;
    let superuser = notes.superuser().await;
    let faults = catalogue::faults(&superuser, "notes").await.expect("the catalogue");
    assert_eq!(faults, Vec::<String>::new());

    let tables = catalogue::tables(&superuser, "notes").await.expect("the catalogue");
    let tenants = || Rows::Tenants { column: "tenant_id".to_owned() };
    let expected = BTreeMap::from(
        [
            ("call_records", tenants()),
            ("counters", tenants()),
            ("idempotency_keys", tenants()),
            ("inbox", Rows::Global),
            ("lanes", Rows::Global),
            ("notes", tenants()),
            ("outbox", Rows::LeftByTenants { column: "tenant_id".to_owned() }),
            ("scheduled", tenants()),
            ("settings", Rows::Global),
        ]
        .map(|(name, rows)| (name.to_owned(), rows)),
    );
    assert_eq!(tables, expected);
}

/// What somebody could do to a schema, and what is said of it then.
const SABOTAGE: &[(&str, &str)] = &[
    ("DROP POLICY tenant_rows ON notes.notes", "notes and 0 policies are for it"),
    ("ALTER TABLE notes.notes DISABLE ROW LEVEL SECURITY", "notes is without row-level security"),
    ("ALTER TABLE notes.notes NO FORCE ROW LEVEL SECURITY", "notes is without row-level security"),
    (
        "ALTER POLICY tenant_rows ON notes.notes USING (true)",
        "lets the application reach rows of notes",
    ),
    (
        "ALTER POLICY tenant_rows ON notes.notes WITH CHECK (true)",
        "lets the application reach rows of notes",
    ),
    (
        "DROP POLICY tenant_rows ON notes.notes; CREATE POLICY tenant_rows ON notes.notes \
         FOR SELECT TO notes_app USING (tenant_id = \
         NULLIF(current_setting('app.current_tenant_id', true), '')::uuid)",
        "lets the application reach rows of notes",
    ),
    (
        "CREATE POLICY more ON notes.notes TO notes_app USING (stars > 5)",
        "notes and 2 policies are for it",
    ),
    (
        "CREATE POLICY more ON notes.notes TO PUBLIC USING (true)",
        "the policy more on notes is for others",
    ),
    (
        "ALTER POLICY tenant_rows ON notes.outbox WITH CHECK (true)",
        "lets the application reach rows of outbox",
    ),
    ("GRANT SELECT ON notes.outbox TO notes_app", "lets the application reach rows of outbox"),
    ("GRANT SELECT ON notes.settings TO notes_app", "settings is without row-level security"),
    ("GRANT UPDATE (value) ON notes.settings TO notes_app", "on the column value of settings"),
    ("GRANT TRUNCATE ON notes.notes TO notes_app", "notes_app has TRUNCATE on notes"),
    ("GRANT SELECT ON notes.notes TO PUBLIC", "the public has SELECT on notes"),
    ("GRANT SELECT ON notes.notes TO notes_app WITH GRANT OPTION", "notes_app has SELECT on notes"),
    ("GRANT CREATE ON SCHEMA notes TO notes_app", "notes_app has CREATE on the schema"),
    ("GRANT USAGE ON SCHEMA notes TO PUBLIC", "the public has USAGE on the schema"),
    ("REVOKE ALL ON notes.settings FROM notes_system, notes_app", "no role reaches settings"),
    ("ALTER DEFAULT PRIVILEGES IN SCHEMA notes GRANT SELECT ON TABLES TO PUBLIC", "granted ahead"),
    ("ALTER TABLE notes.counters DROP CONSTRAINT counters_pkey", "counters has no index"),
    (
        "ALTER TABLE notes.counters DROP CONSTRAINT counters_pkey; \
         CREATE INDEX ON notes.counters (name, tenant_id); \
         CREATE INDEX ON notes.counters (tenant_id) WHERE value > 0",
        "counters has no index",
    ),
    ("ALTER TABLE notes.notes OWNER TO postgres", "notes belongs to postgres"),
    (
        "CREATE SEQUENCE notes.numbers; ALTER SEQUENCE notes.numbers OWNER TO postgres",
        "numbers belongs to postgres",
    ),
    ("ALTER SCHEMA notes OWNER TO notes_app", "the schema belongs to notes_app"),
    (
        "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.things (id uuid PRIMARY KEY); \
         ALTER TABLE notes.notes ADD FOREIGN KEY (id) REFERENCES elsewhere.things",
        "has the foreign key notes_id_fkey to elsewhere.things",
    ),
    (
        "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.things \
         (id uuid REFERENCES notes.notes (id))",
        "elsewhere.things, which is elsewhere's, has the foreign key",
    ),
    ("CREATE VIEW notes.seen AS SELECT * FROM notes.notes", "seen is a view"),
    (
        "CREATE FUNCTION notes.seen() RETURNS bigint LANGUAGE sql SECURITY DEFINER \
         AS 'SELECT count(*) FROM notes.notes'",
        "seen is a function",
    ),
    ("ALTER ROLE notes_app SUPERUSER", "the role notes_app is a superuser"),
    ("ALTER ROLE notes_system BYPASSRLS", "the role notes_system is a superuser, has BYPASSRLS"),
    ("ALTER ROLE notes_app CREATEROLE", "the role notes_app"),
    ("ALTER ROLE notes_owner LOGIN", "somebody can log in as notes_owner"),
    ("ALTER ROLE notes_system INHERIT", "notes_system inherits"),
    ("GRANT notes_owner TO notes_app", "notes_app is a member of notes_owner"),
    (
        "REVOKE notes_app FROM notes_system; GRANT notes_system TO notes_app",
        "notes_app is a member of notes_system",
    ),
    (
        "REVOKE notes_app FROM notes_system; GRANT notes_owner TO notes_system",
        "notes_system is a member of notes_owner",
    ),
    (
        "CREATE ROLE stranger_to_notes; GRANT notes_app TO stranger_to_notes",
        "stranger_to_notes, no superuser, is a member of notes_app",
    ),
];

#[tokio::test]
async fn each_fault_is_found() {
    let notes = Notes::new().await;
    let superuser = notes.superuser().await;
    for (sabotage, expected) in SABOTAGE {
        // Roles too are changed within the transaction alone: other tests log in as them.
        let tx = superuser.begin().await.expect("a transaction");
        tx.execute_unprepared(sabotage).await.expect(sabotage);
        let faults = catalogue::faults(&tx, "notes").await.expect("the catalogue");
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{sabotage}: {faults:?}");
        tx.rollback().await.expect("undone");
    }
    let faults = catalogue::faults(&superuser, "notes").await.expect("the catalogue");
    assert_eq!(faults, Vec::<String>::new(), "all of it was undone");
}

#[tokio::test]
async fn a_schema_that_is_not_there_is_a_fault() {
    let notes = Notes::new().await;
    let superuser = notes.superuser().await;
    let faults = catalogue::faults(&superuser, "nowhere").await.expect("the catalogue");
    assert_eq!(faults, ["the schema or one of its roles is not there"]);
}
