//! All that there is in a schema, to be compared with what there was.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbErr};

use super::ask;

/// What `module`'s schema consists of, a line for each thing: tables and sequences with their
/// owners and rights, columns, indexes, constraints, policies.
///
/// # Errors
/// The database's.
pub async fn dump<C: ConnectionTrait>(
    superuser: &C,
    module: &str,
) -> Result<BTreeSet<String>, DbErr> {
    let held = format!("held.relnamespace = to_regnamespace('\"{module}\"')");
    let select = format!(
        "SELECT format('%s %s of %s: rights %s, row-level security %s %s', relkind, relname, \
         relowner::regrole, relacl, relrowsecurity, relforcerowsecurity) AS line \
         FROM pg_class AS held WHERE {held} AND relkind <> 'i' UNION ALL \
         SELECT format('column %s.%s %s, required %s, by default %s', relname, attname, \
         format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)) \
         FROM pg_class AS held JOIN pg_attribute AS part ON attrelid = held.oid \
         LEFT JOIN pg_attrdef ON adrelid = held.oid AND adnum = attnum \
         WHERE {held} AND relkind = 'r' AND attnum > 0 AND NOT attisdropped UNION ALL \
         SELECT pg_get_indexdef(indexrelid) FROM pg_index \
         JOIN pg_class AS held ON held.oid = indrelid WHERE {held} UNION ALL \
         SELECT format('constraint %s on %s: %s', conname, relname, pg_get_constraintdef(key.oid)) \
         FROM pg_constraint AS key JOIN pg_class AS held ON held.oid = conrelid \
         WHERE {held} UNION ALL \
         SELECT format('policy %s on %s for %s to %s: %s / %s', polname, relname, polcmd, \
         polroles::regrole[], pg_get_expr(polqual, polrelid), \
         pg_get_expr(polwithcheck, polrelid)) \
         FROM pg_policy JOIN pg_class AS held ON held.oid = polrelid WHERE {held}"
    );
    ask(superuser, &select).await?.iter().map(|row| row.try_get("", "line")).collect()
}
