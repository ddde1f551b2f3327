//! The statements of the matrix. Each returns the tenants of the rows that it reached.

use super::{OURS, THEIRS, rows::Table};

/// One statement under one setting.
pub(super) struct Case {
    /// Makes the setting, where it is not left as it never was.
    pub(super) setting: Option<String>,
    pub(super) statement: String,
    pub(super) expected: Expected,
    what: &'static str,
}

/// What of the tenant's own rows the statement reaches. It never reaches a foreign one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Its own row.
    OwnRow,
    /// Nothing: no tenant is set, or none that there is.
    Nothing,
    /// Its own rows as it likes, or nothing.
    OwnRowOrNothing,
    /// One row more of its own, unless a key of the table is in the way.
    OneMore,
}

impl Case {
    pub(super) fn shown(&self) -> String {
        let setting = self.setting.as_deref().unwrap_or("without a setting");
        format!("{} ({setting}; {})", self.what, self.statement)
    }
}

/// All of them; those without a setting come first, while the connection has never had one.
pub(super) fn all(table: &Table) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut under = |what, setting: Option<String>, is_ours: bool| {
        for (statement, expected) in raw(table) {
            let expected = if is_ours { expected } else { Expected::Nothing };
            cases.push(Case { setting: setting.clone(), statement, expected, what });
        }
    };
    under("no setting", None, false);
    under("the tenant's setting", Some(set(OURS)), true);
    under("an empty setting", Some(set("")), false);
    for garbage in ["garbage", "' OR true --", &OURS[1..], &"0".repeat(32)] {
        under("a garbage setting", Some(set(garbage)), false);
    }
    for (carried, is_ours) in [(OURS, true), ("", false), ("garbage", false)] {
        let statements = as_sent(table, carried).into_iter().chain(amiss(table, carried));
        for (statement, expected) in statements {
            let expected = if is_ours { expected } else { Expected::Nothing };
            cases.push(Case { setting: None, statement, expected, what: "one statement" });
        }
    }
    // What somebody left behind does not count.
    for (statement, expected) in as_sent(table, OURS) {
        let setting = Some(set(THEIRS));
        cases.push(Case { setting, statement, expected, what: "another tenant's setting" });
    }
    cases
}

fn set(tenant: &str) -> String {
    format!("SELECT set_config('app.current_tenant_id', {}, true)", quoted(tenant))
}

/// What a login could send by itself, as if no builder stood before it.
fn raw(table: &Table) -> Vec<(String, Expected)> {
    let Table { path, tenant, .. } = table;
    let own = if table.only_adds { Expected::Nothing } else { Expected::OwnRow };
    let (add_own, add_theirs) = (table.insert(OURS), table.insert(THEIRS));
    // What comes back of an insert must be readable, which the outbox is not.
    let returning =
        if table.only_adds { String::new() } else { format!(" RETURNING {tenant}::text") };
    let mut statements = vec![
        // Reads.
        (format!("SELECT {tenant}::text FROM {path}"), own),
        (format!("SELECT {tenant}::text FROM {path} FOR UPDATE"), own),
        (format!("SELECT {tenant}::text FROM {path} WHERE {tenant} = '{OURS}'"), own),
        (format!("SELECT {tenant}::text FROM {path} WHERE {tenant} <> '{THEIRS}' OR true"), own),
        (format!("SELECT {tenant}::text FROM {path} ORDER BY 1 DESC LIMIT 2"), own),
        (format!("SELECT DISTINCT max({tenant}::text) OVER () FROM {path}"), own),
        // A foreign id.
        (theirs(&format!("count(*) > 0 FROM {path} WHERE {tenant} = '{THEIRS}'")), FOREIGN),
        (theirs(&format!("sum(1) > 0 FROM {path} WHERE {tenant} = '{THEIRS}'")), FOREIGN),
        (theirs(&format!("EXISTS (SELECT 1 FROM {path} WHERE {tenant} = '{THEIRS}')")), FOREIGN),
        (
            format!("SELECT (SELECT {tenant}::text FROM {path} WHERE {tenant} = '{THEIRS}')"),
            FOREIGN,
        ),
        (
            format!(
                "SELECT b.{tenant}::text FROM {path} AS a RIGHT JOIN {path} AS b \
                 ON a.{tenant} <> b.{tenant} WHERE b.{tenant} = '{THEIRS}'"
            ),
            FOREIGN,
        ),
        // Changes.
        (format!("UPDATE {path} SET {tenant} = {tenant} RETURNING {tenant}::text"), own),
        (format!("UPDATE {path} SET {tenant} = '{OURS}' WHERE {tenant} = '{THEIRS}'"), FOREIGN),
        (format!("UPDATE {path} SET {tenant} = '{THEIRS}'"), FOREIGN),
        (format!("UPDATE {path} SET {tenant} = '{THEIRS}' WHERE {tenant} = '{OURS}'"), FOREIGN),
        (format!("DELETE FROM {path} WHERE {tenant} = '{THEIRS}'"), FOREIGN),
        (format!("DELETE FROM {path} RETURNING {tenant}::text"), own),
        (
            format!(
                "MERGE INTO {path} AS held USING (VALUES ('{THEIRS}'::uuid)) AS foreign_tenant(id) \
                 ON held.{tenant} = foreign_tenant.id WHEN MATCHED THEN DELETE"
            ),
            FOREIGN,
        ),
        (format!("TRUNCATE {path}"), FOREIGN),
        // New rows.
        (format!("{add_own}{returning}"), Expected::OneMore),
        (format!("{add_theirs}{returning}"), FOREIGN),
        (format!("{add_theirs} ON CONFLICT DO NOTHING"), FOREIGN),
        (format!("INSERT INTO {path} {THEIR_ROW} ON CONFLICT DO NOTHING"), FOREIGN),
        // The foreign row's key, as one's own.
        (
            format!("INSERT INTO {path} {THEIR_ROW_AS_OURS} ON CONFLICT DO NOTHING"),
            Expected::OwnRowOrNothing,
        ),
    ];
    if let Some(key) = &table.key {
        let onto = format!("ON CONFLICT ON CONSTRAINT {key} DO UPDATE SET {tenant} = '{OURS}'");
        statements.push((format!("INSERT INTO {path} {THEIR_ROW} {onto}"), FOREIGN));
        statements.push((
            format!("INSERT INTO {path} {THEIR_ROW_AS_OURS} {onto}"),
            Expected::OwnRowOrNothing,
        ));
    }
    statements
}

/// The part of a statement that brings the tenant along.
fn scope(carried: &str) -> String {
    format!(
        "WITH ashlar_scope AS MATERIALIZED (SELECT set_config('app.current_tenant_id', {}, \
         true)::uuid AS tenant) ",
        quoted(carried)
    )
}

fn carry(carried: &str, select: &str) -> String {
    let scope = scope(carried);
    format!(
        "{scope}SELECT found.* FROM ashlar_scope CROSS JOIN LATERAL ({select} OFFSET 0) AS found"
    )
}

/// What the builders filter by.
fn filter(table: &Table) -> String {
    format!("held.{} = ashlar_scope.tenant", table.tenant)
}

/// The forms in which the store brings a tenant along, with what a caller may add to its filter.
fn as_sent(table: &Table, carried: &str) -> Vec<(String, Expected)> {
    let Table { path, tenant, .. } = table;
    let own = if table.only_adds { Expected::Nothing } else { Expected::OwnRow };
    let carry = |select: &str| carry(carried, select);
    let rows = format!("SELECT {tenant}::text FROM {path} AS held");
    let filter = filter(table);
    vec![
        // All, one, a page, a count, an existence, a sum.
        (carry(&format!("{rows} WHERE {filter}")), own),
        (carry(&format!("{rows} WHERE {filter} LIMIT 1")), own),
        (carry(&format!("{rows} WHERE {filter} ORDER BY 1 DESC LIMIT 3")), own),
        (
            carry(&format!(
                "SELECT CASE WHEN count(*) = 1 THEN '{OURS}' END FROM (SELECT 1 FROM {path} AS held \
                 WHERE {filter}) AS rows"
            )),
            own,
        ),
        (
            carry(&format!(
                "SELECT CASE WHEN COALESCE(sum(summand), 0) = 1 THEN '{OURS}' END FROM \
                 (SELECT 1 AS summand FROM {path} AS held WHERE {filter}) AS rows"
            )),
            own,
        ),
        // Sub-selects, which no builder has filtered.
        (
            carry(&format!(
                "{rows} WHERE {filter} AND held.{tenant} IN (SELECT {tenant} FROM {path})"
            )),
            own,
        ),
        (carry(&format!("{rows} WHERE {filter} AND (SELECT count(*) FROM {path}) = 1")), own),
        (
            carry(&format!(
                "{rows} WHERE {filter} AND EXISTS (SELECT 1 FROM {path} WHERE {tenant} = '{THEIRS}')"
            )),
            FOREIGN,
        ),
        (
            carry(&format!(
                "{rows} WHERE {filter} AND EXISTS (SELECT 1 FROM {path} AS other \
                 WHERE other.{tenant} <> held.{tenant})"
            )),
            FOREIGN,
        ),
        // Foreign rows.
        (carry(&format!("{rows} WHERE {filter} AND held.{tenant} = '{THEIRS}'")), FOREIGN),
    ]
}

/// The same with something amiss.
fn amiss(table: &Table, carried: &str) -> Vec<(String, Expected)> {
    let Table { path, tenant, .. } = table;
    let own = if table.only_adds { Expected::Nothing } else { Expected::OwnRow };
    let (scope, filter) = (scope(carried), filter(table));
    let carry = |select: &str| carry(carried, select);
    let rows = format!("SELECT {tenant}::text FROM {path} AS held");
    let foreign = format!("{path} AS held WHERE held.{tenant} = '{THEIRS}'");
    vec![
        // A filter that asks for more.
        (carry(&format!("{rows} WHERE {filter} OR true")), own),
        (carry(&format!("{rows} WHERE {filter} OR held.{tenant} = '{THEIRS}'")), own),
        // Foreign rows.
        (carry(&theirs(&format!("count(*) > 0 FROM {foreign}"))), FOREIGN),
        (carry(&theirs(&format!("sum(1) > 0 FROM {foreign}"))), FOREIGN),
        (carry(&theirs(&format!("EXISTS (SELECT 1 FROM {foreign})"))), FOREIGN),
        (carry(&format!("{rows} WHERE held.{tenant} = '{THEIRS}'")), FOREIGN),
        // Without the reference to the scope, without the OFFSET, without MATERIALIZED.
        (carry(&rows), Expected::OwnRowOrNothing),
        (format!("{scope}{rows}, ashlar_scope"), Expected::OwnRowOrNothing),
        (format!("{scope}{rows}, ashlar_scope WHERE {filter}"), Expected::OwnRowOrNothing),
        (
            carry(&format!("{rows} WHERE {filter}"))
                .replace("MATERIALIZED", "NOT MATERIALIZED")
                .replace(" OFFSET 0", ""),
            Expected::OwnRowOrNothing,
        ),
        // The rows before the scope.
        (
            format!(
                "{scope}{rows} LEFT JOIN LATERAL (SELECT tenant FROM ashlar_scope) AS late ON true"
            ),
            Expected::OwnRowOrNothing,
        ),
        // Changes that bring their tenant along.
        (
            format!(
                "{scope}UPDATE {path} AS held SET {tenant} = ashlar_scope.tenant FROM ashlar_scope \
                 WHERE held.{tenant} = '{THEIRS}'"
            ),
            FOREIGN,
        ),
        (
            format!(
                "{scope}DELETE FROM {path} AS held USING ashlar_scope \
                 WHERE ashlar_scope.tenant IS NOT NULL"
            ),
            Expected::OwnRowOrNothing,
        ),
        (format!("{scope}{} FROM ashlar_scope", table.insert(THEIRS)), FOREIGN),
    ]
}

/// Stands for the foreign row itself, as a superuser sees it, in an insert.
pub(super) const THEIR_ROW: &str = "<their row>";
/// The same, but for the tenant.
pub(super) const THEIR_ROW_AS_OURS: &str = "<their row as ours>";

/// Of a foreign row, which is never reached, and of no row of the tenant's own.
const FOREIGN: Expected = Expected::Nothing;

/// Answers with the foreign tenant where `question` is answered with yes.
fn theirs(question: &str) -> String {
    match question.split_once(" FROM ") {
        Some((condition, rest)) if !question.starts_with("EXISTS") => {
            format!("SELECT CASE WHEN {condition} THEN '{THEIRS}' END FROM {rest}")
        }
        _ => format!("SELECT CASE WHEN {question} THEN '{THEIRS}' END"),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
