//! The read that brings its tenant along: what the server makes of it.

use sea_orm::{ColumnTrait, DatabaseConnection};
use storage::{Store, StoreError};

use super::{Notes, run, texts};
use crate::{
    entities::{counter, note},
    world::{context, ours},
};

/// Enough for an index to be worth it: a hundred tenants, `ours` among them.
const FILL: &str = "INSERT INTO notes.notes \
     SELECT gen_random_uuid(), lpad(to_hex(n % 100), 32, '0')::uuid, 'note ' || n, n, now() \
     FROM generate_series(0, 19999) AS n; \
     INSERT INTO notes.counters \
     SELECT lpad(to_hex(n % 100), 32, '0')::uuid, 'counter ' || n, n FROM generate_series(0, 9999) \
     AS n; ANALYZE notes.notes; ANALYZE notes.counters";

async fn filled() -> (Notes, Store) {
    let notes = Notes::new().await;
    run(&notes.superuser().await, FILL).await;
    let store = notes.open(notes.config()).await;
    (notes, store)
}

/// What the store sent last as the application's role.
async fn last_sent(superuser: &DatabaseConnection) -> String {
    let select = "SELECT query FROM pg_stat_activity WHERE datname = current_database() \
                  AND usename = 'notes_app' ORDER BY query_start DESC LIMIT 1";
    texts(superuser, select).await.pop().expect("a statement")
}

/// How the server goes about `statement`, planned once for all values or for these.
async fn plan(notes: &Notes, mode: &str, statement: &str, values: &str) -> String {
    let app = notes.database.login("notes_app").await.expect("a login");
    run(&app, &format!("SET plan_cache_mode = {mode}; PREPARE sent AS {statement}")).await;
    texts(&app, &format!("EXPLAIN EXECUTE sent ({values})")).await.join("\n")
}

/// How many rows the server expects of the scan of `plan`.
fn expected_rows(plan: &str) -> f64 {
    let scan = plan.lines().find(|line| line.contains("Index Scan")).expect("an index scan");
    let rows = scan.split("rows=").nth(1).and_then(|rest| rest.split(' ').next());
    rows.and_then(|rows| rows.parse().ok()).expect("a number")
}

/// Checks what was sent last, and returns it.
async fn check_uses(index: &str, notes: &Notes, values: &str) -> String {
    let superuser = notes.superuser().await;
    let sent = last_sent(&superuser).await;
    assert!(sent.starts_with("WITH ashlar_scope AS MATERIALIZED"), "{sent}");
    for mode in ["force_generic_plan", "force_custom_plan"] {
        let plan = plan(notes, mode, &sent, values).await;
        assert!(plan.contains(index), "{mode}: {plan}\n{sent}");
        assert!(plan.contains("Index Cond: (") && plan.contains("tenant_id = "), "{mode}: {plan}");
        assert!(!plan.contains("Seq Scan"), "{mode}: {plan}");
    }
    sent
}

#[tokio::test]
async fn each_form_uses_the_index_that_begins_with_the_tenant() {
    let (notes, store) = filled().await;
    let reader = store.read(&context(ours())).expect("a reader");
    let tenant = format!("'{}'", ours());

    let find = || reader.find::<note::Entity>().filter(note::Column::Title.eq("note 10"));
    assert_eq!(find().one().await.expect("a note").expect("one").stars, 10);
    check_uses("notes_tenant_id_title_key", &notes, &format!("'note 10', 1, {tenant}")).await;
    assert_eq!(find().count().await.expect("a count"), 1);
    check_uses("notes_tenant_id_title_key", &notes, &format!("1, 'note 10', {tenant}")).await;

    let all = reader.find::<note::Entity>().all().await.expect("the notes");
    assert_eq!(all.len(), 200);
    let sent = check_uses("notes_tenant_id_title_key", &notes, &tenant).await;

    // Not by the setting, which is another tenant's or nobody's while the statement is planned: with
    // no row expected, any index that begins with the tenant is as good as any other.
    for mode in ["force_generic_plan", "force_custom_plan"] {
        let expected = expected_rows(&plan(&notes, mode, &sent, &tenant).await);
        assert!((100.0..=400.0).contains(&expected), "{mode}: {expected} of 200");
    }

    let sum = reader.find::<counter::Entity>().sum(counter::Column::Value).await;
    assert_eq!(sum.expect("a sum"), (0..100).map(|n| 10 + 100 * n).sum::<i64>());
    check_uses("counters_pkey", &notes, &format!("0, {tenant}")).await;
}

/// What stands between a misplanned read and foreign rows.
#[tokio::test]
async fn it_fails_closed_where_the_rows_come_before_the_tenant() {
    let (notes, _store) = filled().await;
    let app = notes.database.login("notes_app").await.expect("a login");
    let scope = format!(
        "WITH ashlar_scope AS MATERIALIZED (SELECT set_config('app.current_tenant_id', '{}', \
         true)::uuid AS tenant) ",
        ours()
    );
    let late = format!(
        "{scope}SELECT held.tenant_id::text FROM notes AS held \
         LEFT JOIN LATERAL (SELECT tenant FROM ashlar_scope) AS late ON true"
    );
    assert_eq!(texts(&app, &late).await, Vec::<String>::new(), "no row at all");

    // Without the reference and the OFFSET the order is the planner's: the tenant's rows or none.
    let loose = format!("{scope}SELECT held.tenant_id::text FROM notes AS held, ashlar_scope");
    for join in ["hashjoin", "mergejoin", "nestloop", "material"] {
        run(&app, &format!("SET enable_{join} = off")).await;
        let seen = texts(&app, &loose).await;
        assert!(seen.iter().all(|tenant| *tenant == ours().to_string()), "{join}");
    }
    assert_eq!(texts(&app, "SELECT title FROM notes").await, Vec::<String>::new());
}

#[tokio::test]
async fn its_setting_is_gone_with_it() {
    let (notes, _store) = filled().await;
    let app = notes.database.login("notes_app").await.expect("a login");
    let carrying = format!(
        "WITH ashlar_scope AS MATERIALIZED (SELECT set_config('app.current_tenant_id', '{}', \
         true)::uuid AS tenant) SELECT found.* FROM ashlar_scope CROSS JOIN LATERAL \
         (SELECT title FROM notes WHERE tenant_id = ashlar_scope.tenant OFFSET 0) AS found",
        ours()
    );
    assert_eq!(texts(&app, &carrying).await.len(), 200);
    let setting = texts(&app, "SELECT current_setting('app.current_tenant_id', true)").await;
    assert_eq!(setting, [""]);
    assert_eq!(texts(&app, "SELECT title FROM notes").await, Vec::<String>::new());
}

/// A migration may change a column's type under a running program, whose connections have their
/// statements planned.
#[tokio::test]
async fn a_statement_whose_columns_changed_is_planned_anew() {
    let (notes, store) = filled().await;
    let reader = store.read(&context(ours())).expect("a reader");
    let find = || reader.find::<note::Entity>().filter(note::Column::Title.eq("note 10")).one();
    find().await.expect("a note").expect("one");
    let superuser = notes.superuser().await;
    run(&superuser, "ALTER TABLE notes.notes ALTER title TYPE varchar(200)").await;
    find().await.expect("a note").expect("one");
}

#[tokio::test]
async fn too_many_values_are_no_outage() {
    let (_notes, store) = filled().await;
    let reader = store.read(&context(ours())).expect("a reader");
    let titles = (0..70_000).map(|n| n.to_string());
    let find = reader.find::<note::Entity>().filter(note::Column::Title.is_in(titles));
    let refused = find.all().await.expect_err("too many values");
    assert!(matches!(refused, StoreError::Database { .. }), "{refused:?}");
}
