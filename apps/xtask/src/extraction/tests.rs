//! Real SQLite files, moved, cut off at every step, and locked by others.

use std::{fs, path::PathBuf};

use anyhow::bail;
use sea_orm_migration::sea_orm::sqlx::{
    self, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions,
};
use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};
use tempfile::TempDir;
use testing::TestStore;

use super::{relocation::Step, *};

/// A data directory with billing's database in it, in WAL mode as a program leaves it after a
/// crash: with rows that are in the log alone.
struct House {
    data: TempDir,
}

impl House {
    async fn new() -> Self {
        let house = Self { data: TempDir::new().expect("a folder") };
        let mut connection = house.connect(&house.monolith()).await;
        for statement in [
            "CREATE TABLE invoices (id BLOB PRIMARY KEY, number TEXT, total INTEGER, rate REAL)",
            "CREATE INDEX by_number ON invoices (number)",
            "CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, payload TEXT) ",
            "CREATE TABLE \"od\"\"d\" (\"a b\" TEXT, rootpage INTEGER) STRICT",
            "INSERT INTO invoices VALUES (x'00ff', 'A-1', 1900, 0.1), (x'01', NULL, -1, NULL)",
            "INSERT INTO invoices VALUES (x'02', 'ä' || char(0) || 'b', 9007199254740993, 1e300)",
            "INSERT INTO outbox (payload) VALUES ('one'), ('two'), ('three')",
            "DELETE FROM outbox WHERE seq = 3",
            "INSERT INTO \"od\"\"d\" VALUES ('x', 7), ('x', 7)",
        ] {
            sqlx::query(statement).execute(&mut connection).await.expect(statement);
        }
        // Copied as it is, so that closing does not fold the log in.
        let crashed = TempDir::new().expect("a folder");
        for name in ["billing.db", "billing.db-wal"] {
            fs::copy(house.data.path().join(name), crashed.path().join(name)).expect("a copy");
        }
        Self { data: crashed }
    }

    async fn connect(&self, place: &Place) -> SqliteConnection {
        let options = SqliteConnectOptions::new()
            .filename(place.database())
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
        SqliteConnection::connect_with(&options).await.expect("a database")
    }

    fn monolith(&self) -> Place {
        Place::in_monolith(self.data.path(), "billing")
    }

    fn service(&self) -> Place {
        Place::in_service(self.data.path(), "billing")
    }

    async fn extract(&self) -> Result<Outcome> {
        extract("billing", self.data.path()).await
    }

    async fn absorb(&self) -> Result<Outcome> {
        absorb("billing", self.data.path()).await
    }

    /// Moves, and is cut off when `last` is done.
    async fn cut_off(&self, direction: Direction, last: Step) {
        let relocation = Relocation::new("billing", self.data.path(), direction);
        let cut = relocation
            .carry_out(&mut |step| if step == last { bail!("cut off") } else { Ok(()) })
            .await;
        assert_eq!(cut.expect_err("it was cut off").to_string(), "cut off");
    }

    /// What would be opened: a place whose data a program may open, with data in it.
    fn open_places(&self) -> Vec<Place> {
        let places = [self.monolith(), self.service()];
        places.into_iter().filter(|place| place.has_data() && !place.is_closed()).collect()
    }

    async fn numbers(&self, place: &Place) -> Vec<Option<String>> {
        let mut connection = self.connect(place).await;
        let numbers = sqlx::query_scalar("SELECT number FROM invoices ORDER BY id");
        numbers.fetch_all(&mut connection).await.expect("the table is there")
    }
}

#[track_caller]
fn check_moved(outcome: Outcome) -> (Inventory, PathBuf) {
    match outcome {
        Outcome::Moved { tables, kept } => (tables, kept),
        Outcome::AlreadyDone => panic!("it was not done yet"),
    }
}

#[tokio::test]
async fn data_go_out_and_come_back() {
    let house = House::new().await;
    let before = [Some("A-1".to_owned()), None, Some("ä\0b".to_owned())];
    let (tables, kept) = check_moved(house.extract().await.expect("it is moved"));

    let counts: Vec<_> = tables.tables.iter().map(|it| (it.name.as_str(), it.rows)).collect();
    assert_eq!(counts[..3], [("invoices", 3), ("od\"d", 2), ("outbox", 2)]);
    assert!(counts.contains(&("sqlite_sequence", 1)), "{counts:?}");
    assert_eq!(kept, house.data.path().join("billing.db.moved-to-billing-service"));
    assert!(kept.exists());
    assert_eq!(house.open_places(), [house.service()]);
    let notice = fs::read_to_string(house.monolith().notice()).expect("a notice");
    assert!(notice.contains("cargo xtask absorb billing"), "{notice}");
    assert_eq!(house.numbers(&house.service()).await, before);

    let (_, kept) = check_moved(house.absorb().await.expect("it is moved back"));
    assert_eq!(kept, house.service().dir.join("billing.db.moved-to-monolith"));
    assert_eq!(house.open_places(), [house.monolith()]);
    assert!(house.service().is_closed());
    assert_eq!(house.numbers(&house.monolith()).await, before);

    // The file that was kept the first time is kept the second time too.
    let (_, kept) = check_moved(house.extract().await.expect("it is moved again"));
    assert_eq!(kept, house.data.path().join("billing.db.moved-to-billing-service.2"));
    assert!(house.data.path().join("billing.db.moved-to-billing-service").exists());
}

#[tokio::test]
async fn a_number_that_was_given_out_is_not_given_out_again() {
    let house = House::new().await;
    house.extract().await.expect("it is moved");
    let mut connection = house.connect(&house.service()).await;
    let insert = sqlx::query("INSERT INTO outbox (payload) VALUES ('four')");
    let inserted = insert.execute(&mut connection).await.expect("it can be written");
    assert_eq!(inserted.last_insert_rowid(), 4);
}

#[tokio::test]
async fn run_twice_it_is_done() {
    let house = House::new().await;
    assert_eq!(house.absorb().await.expect("they are there"), Outcome::AlreadyDone);
    assert!(!house.service().dir.exists(), "nothing was to be done");
    house.extract().await.expect("it is moved");
    assert_eq!(house.extract().await.expect("it is done"), Outcome::AlreadyDone);
    fs::remove_file(house.monolith().notice()).expect("somebody removed it");
    assert_eq!(house.extract().await.expect("it is done"), Outcome::AlreadyDone);
    assert!(house.monolith().is_closed(), "the notice is put back");
}

#[tokio::test]
async fn cut_off_at_any_step_nobody_can_open_either_and_the_next_run_finishes() {
    for step in Step::ALL {
        let house = House::new().await;
        house.cut_off(Direction::Extract, step).await;
        let open = house.open_places();
        match step {
            Step::Begun => assert_eq!(open, [house.monolith()]),
            Step::Opened => assert_eq!(open, [house.service()]),
            _ => {
                assert_eq!(open, [], "after {step:?}");
                let notice = fs::read_to_string(house.monolith().notice()).expect("a notice");
                assert!(notice.contains("cargo xtask extract billing"), "{notice}");
            }
        }
        let refused = house.absorb().await.expect_err("the other direction is not finished");
        assert!(refused.to_string().ends_with("cargo xtask extract billing"), "{refused}");

        check_moved(house.extract().await.expect("it is finished"));
        assert_eq!(house.open_places(), [house.service()], "after {step:?}");
        assert!(!house.monolith().journal().exists() && !house.service().partial().exists());
        assert_eq!(house.numbers(&house.service()).await.len(), 3);
    }
}

#[tokio::test]
async fn the_way_back_can_be_cut_off_too() {
    for step in Step::ALL {
        let house = House::new().await;
        house.extract().await.expect("it is moved");
        house.cut_off(Direction::Absorb, step).await;
        check_moved(house.absorb().await.expect("it is finished"));
        assert_eq!(house.open_places(), [house.monolith()], "after {step:?}");
        assert_eq!(house.numbers(&house.monolith()).await.len(), 3);
    }
}

#[tokio::test]
async fn a_source_that_changed_since_it_was_cut_off_is_counted_anew() {
    let house = House::new().await;
    house.cut_off(Direction::Extract, Step::Placed).await;
    let mut connection = house.connect(&house.monolith()).await;
    let change = sqlx::query("DELETE FROM invoices WHERE number IS NULL");
    change.execute(&mut connection).await.expect("by somebody who took the notice away");
    connection.close().await.expect("closed");
    let (tables, _) = check_moved(house.extract().await.expect("it is finished"));
    assert_eq!(tables.tables[0].rows, 2);
    assert_eq!(house.numbers(&house.service()).await.len(), 2);
}

#[tokio::test]
async fn a_copy_that_differs_is_not_put_to_use() {
    let house = House::new().await;
    house.cut_off(Direction::Extract, Step::SetAside).await;
    let mut connection = house.connect(&house.service()).await;
    let change = sqlx::query("UPDATE invoices SET total = 1 WHERE number = 'A-1'");
    change.execute(&mut connection).await.expect("a disk that forgets would do the same");
    connection.close().await.expect("closed");
    let refused = house.extract().await.expect_err("the checksums differ");
    assert!(refused.to_string().ends_with("differs from what was counted before in invoices"));
    assert_eq!(house.open_places(), []);
    assert!(house.data.path().join("billing.db.moved-to-billing-service").exists());
}

#[tokio::test]
async fn data_in_use_are_left_alone() {
    let house = House::new().await;
    let lock = fs::File::create(house.monolith().lock()).expect("the lock's file");
    lock.lock().expect("as a running program holds it");
    let refused = house.extract().await.expect_err("a program runs");
    assert!(refused.to_string().contains("Stop it"), "{refused}");
    assert_eq!(house.open_places(), [house.monolith()]);
    drop(lock);
    house.extract().await.expect("it has stopped");
}

/// The platform's tables and no others.
struct Platform;

#[async_trait::async_trait]
impl MigratorTrait for Platform {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        storage::migrations()
    }
}

/// Extraction and storage know the same lock and the same file: neither can use the other's code,
/// so this holds them to each other.
#[tokio::test]
async fn a_store_that_is_open_is_data_in_use() {
    let store = TestStore::open::<Platform>("billing").await.expect("a store");
    let data = store.folder().join("data");
    let refused = extract("billing", &data).await.expect_err("it is open").to_string();
    assert!(refused.contains("Stop it"), "{refused}");
    store.store().close().await;
    let (tables, _) = check_moved(extract("billing", &data).await.expect("it is closed"));
    assert!(tables.tables.iter().any(|table| table.name == "outbox"), "{tables:?}");
}

#[tokio::test]
async fn without_data_or_with_two_there_is_nothing_to_decide() {
    let empty = House { data: TempDir::new().expect("a folder") };
    let refused = empty.extract().await.expect_err("there are none").to_string();
    assert!(refused.contains("there is nothing to move"), "{refused}");
    let house = House::new().await;
    fs::create_dir_all(&house.service().dir).expect("a folder");
    fs::copy(house.monolith().database(), house.service().database()).expect("a copy");
    let refused = house.extract().await.expect_err("which one is right?").to_string();
    assert!(refused.contains("both exist"), "{refused}");
}
