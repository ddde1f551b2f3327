//! The rules, each as a select that has a row for each breach of it.

/// The column that a policy compares with the tenant's setting; NULL where it does anything else.
/// The text is how PostgreSQL writes down what `storage::access` gave it.
pub(super) fn column_of(expression: &str) -> String {
    format!(
        "substring(pg_get_expr({expression}, held.oid) FROM \
         '^\\((\\w+) = \\(NULLIF\\(current_setting\\(''app\\.current_tenant_id''::text, true\\), \
         ''''::text\\)\\)::uuid\\)$')"
    )
}

pub(super) fn all(module: &str) -> Vec<String> {
    let context = format!(
        "WITH own AS (SELECT to_regnamespace('\"{module}\"')::oid AS schema, \
         to_regrole('\"{module}_owner\"')::oid AS owner, \
         to_regrole('\"{module}_app\"')::oid AS app, \
         to_regrole('\"{module}_system\"')::oid AS system), \
         held AS (SELECT class.* FROM pg_class AS class, own WHERE relnamespace = own.schema) "
    );
    let rules = roles().into_iter().chain(rights()).chain(rows()).chain(structure());
    rules.map(|rule| format!("{context}{rule}")).collect()
}

fn roles() -> Vec<String> {
    let of_module = "pg_roles AS role, own WHERE role.oid IN (own.owner, own.app, own.system)";
    let membership = "pg_auth_members AS membership, own";
    vec![
        "SELECT 'the schema or one of its roles is not there' AS fault FROM own \
         WHERE num_nulls(schema, owner, app, system) > 0"
            .to_owned(),
        format!(
            "SELECT format('the role %s is a superuser, has BYPASSRLS, or may make roles or \
             databases', rolname) AS fault FROM {of_module} \
             AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)"
        ),
        format!(
            "SELECT format('somebody can log in as %s', rolname) AS fault FROM {of_module} \
             AND role.oid = own.owner AND rolcanlogin"
        ),
        format!(
            "SELECT format('%s inherits what other roles may', rolname) AS fault FROM {of_module} \
             AND role.oid = own.system AND rolinherit"
        ),
        format!(
            "SELECT format('%s is a member of %s', member::regrole, roleid::regrole) AS fault \
             FROM {membership} WHERE member = own.app OR member = own.owner \
             OR (member = own.system AND roleid <> own.app)"
        ),
        format!(
            "SELECT format('%s, no superuser, is a member of %s', member::regrole, \
             roleid::regrole) AS fault FROM {membership} \
             WHERE roleid IN (own.app, own.system) AND member <> own.system \
             AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = member)"
        ),
    ]
}

fn rights() -> Vec<String> {
    // Who may what on a thing, its owner apart.
    let granted = |rights: &str| {
        format!("LATERAL aclexplode({rights}) AS granted WHERE granted.grantee <> own.owner")
    };
    let whom = "COALESCE(NULLIF(granted.grantee, 0)::regrole::text, 'the public')";
    vec![
        format!(
            "SELECT format('%s has %s on the schema', {whom}, privilege_type) AS fault \
             FROM pg_namespace AS namespace, own, {} AND namespace.oid = own.schema \
             AND NOT (granted.grantee IN (own.app, own.system) AND privilege_type = 'USAGE')",
            granted("COALESCE(nspacl, acldefault('n', nspowner))")
        ),
        format!(
            "SELECT format('%s has %s on %s', {whom}, privilege_type, relname) AS fault \
             FROM held, own, {} AND NOT (granted.grantee IN (own.app, own.system) \
             AND NOT is_grantable AND (relkind = 'S' AND privilege_type = 'USAGE' \
             OR relkind <> 'S' AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')))",
            granted(
                "COALESCE(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", \
                 relowner))"
            )
        ),
        format!(
            "SELECT format('%s has %s on the column %s of %s', {whom}, privilege_type, attname, \
             relname) AS fault FROM held JOIN pg_attribute ON attrelid = held.oid, own, {}",
            granted("attacl")
        ),
        "SELECT 'rights on what is made later are granted ahead' AS fault \
         FROM pg_default_acl, own WHERE defaclnamespace = own.schema"
            .to_owned(),
    ]
}

fn rows() -> Vec<String> {
    let any_right = |role: &str| {
        format!(
            "(has_table_privilege({role}, held.oid, 'SELECT, INSERT, UPDATE, DELETE') \
             OR has_any_column_privilege({role}, held.oid, 'SELECT, INSERT, UPDATE'))"
        )
    };
    let by_app = any_right("own.app");
    let by_system = any_right("own.system");
    let (reads, writes) = (column_of("polqual"), column_of("polwithcheck"));
    vec![
        format!(
            "SELECT format('%s is without row-level security, or its owner is above it', relname) \
             AS fault FROM held, own WHERE relkind IN ('r', 'p') AND {by_app} \
             AND NOT (relrowsecurity AND relforcerowsecurity)"
        ),
        format!(
            "SELECT format('the application reaches %s and %s policies are for it, not one', \
             relname, count(policy.oid)) AS fault FROM own CROSS JOIN held \
             LEFT JOIN pg_policy AS policy ON polrelid = held.oid \
             AND polroles && ARRAY[0::oid, (SELECT app FROM own)] \
             WHERE relkind IN ('r', 'p') AND {by_app} \
             GROUP BY relname HAVING count(policy.oid) <> 1"
        ),
        format!(
            "SELECT format('the policy %s lets the application reach rows of %s that are not the \
             tenant''s', polname, relname) AS fault FROM own CROSS JOIN held \
             JOIN pg_policy AS policy ON polrelid = held.oid \
             WHERE polroles && ARRAY[0::oid, own.app] AND NOT COALESCE(CASE polcmd \
             WHEN '*' THEN {reads} = {writes} WHEN 'a' THEN {writes} IS NOT NULL AND NOT \
             has_table_privilege(own.app, held.oid, 'SELECT, UPDATE, DELETE') END, false)"
        ),
        "SELECT format('the policy %s on %s is for others than the module''s roles', polname, \
         relname) AS fault FROM own CROSS JOIN held JOIN pg_policy ON polrelid = held.oid \
         WHERE NOT polroles <@ ARRAY[own.app, own.system]"
            .to_owned(),
        format!(
            "SELECT format('%s compares the tenant with a column that is no UUID', relname) \
             AS fault FROM held JOIN pg_policy ON polrelid = held.oid \
             JOIN pg_attribute ON attrelid = held.oid AND attname = COALESCE({reads}, {writes}) \
             WHERE atttypid <> 'uuid'::regtype"
        ),
        format!(
            "SELECT format('%s has no index that begins with %s', relname, {reads}) AS fault \
             FROM own CROSS JOIN held JOIN pg_policy ON polrelid = held.oid AND polroles = ARRAY[own.app] \
             WHERE {reads} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_index AS index \
             JOIN pg_attribute ON attrelid = held.oid AND attnum = index.indkey[0] \
             WHERE index.indrelid = held.oid AND index.indisvalid AND index.indpred IS NULL \
             AND attname = {reads})"
        ),
        format!(
            "SELECT format('no role reaches %s', relname) AS fault FROM held, own \
             WHERE relkind IN ('r', 'p') AND NOT {by_app} AND NOT {by_system}"
        ),
    ]
}

fn structure() -> Vec<String> {
    vec![
        "SELECT format('%s, which is %s''s, has the foreign key %s to %s, which is %s''s', \
         key.conrelid::regclass, here.relnamespace::regnamespace, conname, \
         key.confrelid::regclass, there.relnamespace::regnamespace) AS fault \
         FROM own, pg_constraint AS key JOIN pg_class AS here ON here.oid = key.conrelid \
         JOIN pg_class AS there ON there.oid = key.confrelid WHERE contype = 'f' \
         AND here.relnamespace <> there.relnamespace \
         AND own.schema IN (here.relnamespace, there.relnamespace)"
            .to_owned(),
        "SELECT format('%s belongs to %s', relname, relowner::regrole) AS fault FROM held, own \
         WHERE relowner <> own.owner UNION ALL \
         SELECT format('the schema belongs to %s', nspowner::regrole) FROM pg_namespace, own \
         WHERE pg_namespace.oid = own.schema AND nspowner <> own.owner"
            .to_owned(),
        "SELECT format('%s is a view or a foreign table', relname) AS fault FROM held \
         WHERE relkind IN ('v', 'm', 'f') UNION ALL \
         SELECT format('%s is a function', proname) FROM pg_proc, own \
         WHERE pronamespace = own.schema"
            .to_owned(),
    ]
}
