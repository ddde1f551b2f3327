use databases::PostgresDatabase;
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement,
};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        storage::migrations()
    }
}

/// A module whose templates no other test uses.
const MODULE: &str = "templates";

async fn new() -> PostgresDatabase {
    let superuser = databases::required_superuser();
    PostgresDatabase::new::<Migrator>(&superuser, MODULE).await.expect("a database")
}

async fn templates(server: &DatabaseConnection) -> Vec<String> {
    let select = format!(
        "SELECT datname FROM pg_database WHERE datname LIKE 'template\\_{MODULE}\\_%' ORDER BY 1"
    );
    let rows = server.query_all_raw(Statement::from_string(DbBackend::Postgres, select)).await;
    let rows = rows.expect("the databases");
    rows.iter().map(|row| row.try_get_by_index(0).expect("a name")).collect()
}

async fn run(server: &DatabaseConnection, statement: &str) {
    server.execute_unprepared(statement).await.expect(statement);
}

/// As after a change of the tests, or of what they test: what the last build used is of no use any
/// more.
#[tokio::test]
async fn a_new_build_drops_what_earlier_ones_have_left_and_nobody_uses() {
    new().await;
    let mut options = ConnectOptions::new(databases::required_superuser().expose());
    options.max_connections(1);
    let server = Database::connect(options).await.expect("a superuser");
    for left in templates(&server).await.iter().filter(|name| name.contains("_0000")) {
        // By a run of this very test that failed.
        run(&server, &format!("DROP DATABASE \"{left}\" WITH (FORCE)")).await;
    }
    let current = templates(&server).await.pop().expect("what it was cloned from");
    let (series, _) = current.rsplit_once('_').expect("a build");
    let earlier = |build: u32| format!("{series}_{build:016x}");
    let of_others = format!("template_{MODULE}_00000000_{:016x}", 0);
    for name in [earlier(1), format!("{}_draft", earlier(2)), earlier(3), of_others.clone()] {
        run(&server, &format!("CREATE DATABASE \"{name}\"")).await;
    }
    // A test of that build is about to clone it.
    let lock = format!("pg_advisory_lock_shared(hashtextextended('use {}', 0))", earlier(3));
    run(&server, &format!("SELECT {lock}")).await;

    run(&server, &format!("DROP DATABASE \"{current}\"")).await;
    new().await;
    let mut expected = vec![of_others, earlier(3), current.clone()];
    expected.sort();
    assert_eq!(templates(&server).await, expected);

    run(&server, "SELECT pg_advisory_unlock_all()").await;
    run(&server, &format!("DROP DATABASE \"{current}\"")).await;
    new().await;
    assert_eq!(templates(&server).await, [expected[0].clone(), current]);
    run(&server, &format!("DROP DATABASE \"{}\"", expected[0])).await;
}
