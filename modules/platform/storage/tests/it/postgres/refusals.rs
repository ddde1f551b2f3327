//! A program that would not be safe, or would not work, does not start; and is told what to do.

use std::{error::Error, time::Duration};

use databases::{Logins, PrivateServer};
use kernel::{Secret, with_causes};
use storage::{Passwords, PostgresConfig, Store, StoreError};

use super::{Notes, module::OwnModule, over, texts};
use crate::{
    entities::Migrator,
    later::WithTags,
    world::{context, ours},
};

/// What an operator reads: the error and its sources.
fn told(refused: Result<Store, StoreError>) -> (StoreError, String) {
    let error = refused.expect_err("a refusal");
    let text = with_causes(&error);
    (error, text)
}

/// After `sabotage`, a program of the module is refused with all of `expected` said.
async fn check_unsafe(sabotage: &str, role: &str, expected: &str) {
    let module = OwnModule::migrated::<Migrator>().await;
    module.open::<Migrator>().await.expect("a store").close().await;
    module.run(sabotage).await;
    let (error, text) = told(module.open::<Migrator>().await);
    let whose = role.replace("{m}", module.name);
    assert!(matches!(&error, StoreError::UnsafeRole { role, .. } if *role == whose), "{text}");
    assert!(text.contains(expected) && text.contains("let `migrate up`"), "{text}");
}

#[tokio::test]
async fn a_superuser_is_refused() {
    check_unsafe("ALTER ROLE {m}_app SUPERUSER", "{m}_app", "is a superuser").await;
    check_unsafe("ALTER ROLE {m}_system SUPERUSER", "{m}_system", "is a superuser").await;
}

#[tokio::test]
async fn a_role_above_the_policies_is_refused() {
    check_unsafe("ALTER ROLE {m}_app BYPASSRLS", "{m}_app", "has BYPASSRLS").await;
    check_unsafe("ALTER ROLE {m}_system BYPASSRLS", "{m}_system", "has BYPASSRLS").await;
}

#[tokio::test]
async fn an_owner_is_refused() {
    check_unsafe("ALTER SCHEMA {m} OWNER TO {m}_app", "{m}_app", "owns the schema").await;
    check_unsafe("ALTER TABLE {m}.notes OWNER TO {m}_system", "{m}_system", "owns").await;
    check_unsafe("GRANT {m}_owner TO {m}_app", "{m}_app", "owns the schema").await;
}

#[tokio::test]
async fn a_role_that_has_anothers_rights_is_refused() {
    // Whose policies would let it see all tenants' rows.
    let sabotage = "REVOKE {m}_app FROM {m}_system; GRANT {m}_system TO {m}_app";
    check_unsafe(sabotage, "{m}_app", "is a member of another role").await;
    check_unsafe("ALTER ROLE {m}_system INHERIT", "{m}_system", "is a member of another").await;
}

#[tokio::test]
async fn roles_that_are_not_there_are_refused() {
    let module = OwnModule::new().await;
    let (error, text) = told(module.open::<Migrator>().await);
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    assert!(text.contains("let `migrate up` create the roles"), "{text}");
    assert!(text.contains(&format!("role \"{}_app\" does not exist", module.name)), "{text}");
}

#[tokio::test]
async fn a_schema_that_is_not_there_is_refused() {
    let module = OwnModule::migrated::<Migrator>().await;
    module.run("DROP SCHEMA {m} CASCADE").await;
    let (error, text) = told(module.open::<Migrator>().await);
    assert!(matches!(error, StoreError::Behind { .. }), "{error:?}");
    assert!(text.contains("run `migrate up` (pending: platform_0001_create_outbox, "), "{text}");
}

#[tokio::test]
async fn a_schema_that_is_behind_is_refused() {
    let module = OwnModule::migrated::<Migrator>().await;
    let (error, text) = told(module.open::<WithTags>().await);
    assert!(matches!(error, StoreError::Behind { .. }), "{error:?}");
    assert!(text.ends_with("run `migrate up` (pending: notes_0002_tags)"), "{text}");
    module.schema().await.up::<WithTags>().await.expect("up");
    module.open::<WithTags>().await.expect("a store").close().await;
    // The older build goes on, and may be started anew.
    module.open::<Migrator>().await.expect("a store").close().await;
}

#[tokio::test]
async fn data_that_were_moved_are_not_written_to() {
    let module = OwnModule::migrated::<Migrator>().await;
    let notice = "to db-2 on 2026-03-01; start `billing-service` with its address";
    module.run(&format!("COMMENT ON SCHEMA {{m}} IS 'moved: {notice}'")).await;
    let (error, text) = told(module.open::<Migrator>().await);
    assert!(matches!(error, StoreError::Moved { .. }), "{error:?}");
    assert!(text.contains(notice), "{text}");
    let up = module.schema().await.up::<WithTags>().await;
    assert!(matches!(up, Err(StoreError::Moved { .. })), "nor migrated: {up:?}");
    let roles = "SELECT concat_ws(' ', rolname, rolpassword, setconfig) FROM pg_authid \
                 LEFT JOIN pg_db_role_setting ON setrole = pg_authid.oid \
                 WHERE rolname LIKE '{m}\\_%' ORDER BY 1";
    let roles = roles.replace("{m}", module.name);
    module.run("ALTER ROLE {m}_app SET lock_timeout = '1s'").await;
    let before = texts(&module.superuser().await, &roles).await;
    let word = || Some(Secret::new("of the new place"));
    let passwords = Passwords { app: word(), system: word() };
    let schema = module.schema_with(passwords).await.expect("a schema");
    let up = schema.up::<WithTags>().await;
    assert!(matches!(up, Err(StoreError::Moved { .. })), "{up:?}");
    let after = texts(&module.superuser().await, &roles).await;
    assert_eq!((after.len(), after), (3, before), "roles belong to other databases too");
    let down = module.schema().await.down::<WithTags>(1).await;
    assert!(matches!(down, Err(StoreError::Moved { .. })), "{down:?}");
    module.run("COMMENT ON SCHEMA {m} IS 'what the team has to say'").await;
    module.open::<Migrator>().await.expect("a store").close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be() {
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = nobody.local_addr().expect("an address").port();
    drop(nobody);
    let module = OwnModule::new().await;
    let config = PostgresConfig {
        acquire_time: Duration::from_millis(300),
        ..over(module.database().config(), port)
    };
    let (error, text) = told(module.open_with::<Migrator>(config).await);
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    assert!(text.contains("see whether it runs") && text.contains("refused"), "{text}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_said_to_be() {
    let module = OwnModule::migrated::<Migrator>().await;
    let mut config = module.database().config();
    config.url = config.url.replace(module.database().name(), "nowhere");
    let (error, text) = told(module.open_with::<Migrator>(config).await);
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    assert!(text.contains("create it") && text.contains("\"nowhere\" does not exist"), "{text}");
}

const WORD: &str = "hunter2'; DROP ROLE everybody; --";

#[tokio::test]
async fn an_address_that_cannot_be_read_is_refused_and_not_told() {
    let module = OwnModule::new().await;
    let url = "postgres://somebody:hunter2@host:port/database";
    let config = PostgresConfig::new(url);
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    let (error, text) = told(module.open_with::<Migrator>(config).await);
    assert!(matches!(error, StoreError::Configuration { .. }), "{error:?}");
    assert!(!text.contains("hunter2") && !format!("{error:?}").contains("hunter2"), "{error:?}");
}

/// The whole life of passwords, on a server that asks for them.
#[tokio::test]
async fn a_wrong_password_is_refused_and_the_right_one_told_to_nobody() {
    let server = PrivateServer::start(Logins::ByPassword).await.expect("a server");
    let module = OwnModule::on(&server.superuser_url()).await;
    let log_all = "ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()";
    for statement in log_all.split("; ") {
        module.run(statement).await;
    }
    let passwords = |word: &str| {
        let word = || Some(Secret::new(word));
        Passwords { app: word(), system: word() }
    };
    let schema = module.schema_with(passwords(WORD)).await.expect("a schema");
    assert!(!format!("{schema:?}").contains("hunter2"));
    schema.up::<Migrator>().await.expect("up");

    let config = |word: Option<&str>| PostgresConfig {
        app_password: word.map(Secret::new),
        system_password: word.map(Secret::new),
        ..module.database().config()
    };
    let store = module.open_with::<Migrator>(config(Some(WORD))).await.expect("a store");
    let reader = store.read(&context(ours())).expect("a reader");
    reader.find::<crate::entities::note::Entity>().count().await.expect("a count");

    for wrong in [Some("hunter3"), None] {
        let (error, text) = told(module.open_with::<Migrator>(config(wrong)).await);
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
        assert!(text.contains("refuses the login") || wrong.is_none(), "{text}");
        assert!(!text.contains("hunter") && !format!("{error:?}").contains("hunter"), "{error:?}");
    }

    // Another password takes the place of the old one.
    let schema = module.schema_with(passwords("another")).await.expect("a schema");
    schema.up::<Migrator>().await.expect("up");
    module.open_with::<Migrator>(config(Some("another"))).await.expect("a store").close().await;
    module.open_with::<Migrator>(config(Some(WORD))).await.expect_err("the old one");

    let unfit = module.schema_with(passwords("schön")).await.expect("a schema");
    let refused = unfit.up::<Migrator>().await.expect_err("not ASCII");
    let text = refused.source().and_then(Error::source).map(ToString::to_string);
    assert!(format!("{refused:?} {text:?}").contains("printable ASCII"), "{refused:?}");
    assert!(!format!("{refused:?}").contains("schön"));

    let log = server.log().expect("the server's log");
    assert!(log.contains("ALTER ROLE"), "all statements are in it");
    assert!(!log.contains("hunter2") && !log.contains("another"), "and no password");
}

/// What `Debug` shows of a store's parts goes into logs.
#[tokio::test]
async fn a_config_shows_no_secret() {
    let notes = Notes::new().await;
    let secret = || Some(Secret::new("hunter2"));
    let config =
        PostgresConfig { app_password: secret(), system_password: secret(), ..notes.config() };
    assert!(!format!("{config:?}").contains("hunter2"));
}
