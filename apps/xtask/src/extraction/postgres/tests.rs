//! Real databases, moved, cut off at every step, and in use by others.

#![expect(
    elided_lifetimes_in_paths,
    reason = "the trait hides the lifetime of `SchemaManager`, and an implementation must do as it"
)]

use anyhow::bail;
use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait, prelude::*, schema::*};
use shapes::{Engine, Ground};
use storage::{Passwords, PostgresSchema, StoreError, access};

use super::*;
use crate::shapes;

struct Schema;

#[async_trait::async_trait]
impl MigratorTrait for Schema {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First)]
    }
}

struct Newer;

#[async_trait::async_trait]
impl MigratorTrait for Newer {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First), Box::new(Second)]
    }
}

struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "moves_0001_first"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // By name, the child comes before its parent.
        manager
            .create_table(
                Table::create()
                    .table("parents")
                    .col(pk_uuid("id"))
                    .col(uuid("tenant_id"))
                    .col(text_null("note"))
                    .col(timestamp_with_time_zone_null("at"))
                    .col(binary_null("bytes"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("children")
                    .col(big_integer("number").auto_increment().primary_key().take())
                    .col(uuid("tenant_id"))
                    .col(uuid("parent"))
                    .foreign_key(
                        ForeignKey::create().from("children", "parent").to("parents", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        access::tenant_table(manager, "parents", access::System::None).await?;
        access::tenant_table(manager, "children", access::System::None).await
    }
}

struct Second;

impl MigrationName for Second {
    fn name(&self) -> &str {
        "moves_0002_second"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Second {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let more = ColumnDef::new("more").text().take();
        manager.alter_table(Table::alter().table("parents").add_column(more).to_owned()).await
    }
}

struct By<M>(std::marker::PhantomData<fn() -> M>);

impl<M> By<M> {
    const fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

#[async_trait]
impl<M: MigratorTrait + 'static> Migrate for By<M> {
    async fn migrate(&self, admin: &Secret) -> Result<()> {
        let schema = PostgresSchema::connect(admin, "moves", Passwords::default()).await?;
        schema.up::<M>().await?;
        schema.close().await;
        Ok(())
    }
}

/// Two databases of one server; the data are in the first.
struct House {
    first: Ground,
    second: Ground,
}

const ROWS: &str = r"
    INSERT INTO moves.parents (id, tenant_id, note, at, bytes) VALUES
    ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-0000000000aa',
     E'two\nlines\t\\N ä', '2026-03-01T12:00:00.123456+02:00', '\x00ff0a'),
    ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-0000000000bb',
     NULL, NULL, NULL),
    ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-0000000000bb',
     '', 'infinity', '');
    INSERT INTO moves.children (tenant_id, parent)
    SELECT tenant_id, id FROM moves.parents, generate_series(1, 100);
    DELETE FROM moves.children WHERE number > 290";

impl House {
    async fn new() -> Self {
        let house = Self {
            first: Ground::new().await.expect("a database"),
            second: Ground::new().await.expect("a database"),
        };
        By::<Schema>::new().migrate(house.first()).await.expect("a schema");
        house.run(house.first(), ROWS).await;
        house
    }

    fn first(&self) -> &Secret {
        admin(&self.first)
    }

    fn second(&self) -> &Secret {
        admin(&self.second)
    }

    async fn run(&self, database: &Secret, statements: &str) {
        self.side(database).await.run(statements).await.expect(statements);
    }

    async fn side(&self, database: &Secret) -> Side {
        Side::enter(database, "moves").await.expect("the server lets us in")
    }

    async fn number(&self, database: &Secret, select: &str) -> i64 {
        self.side(database).await.ask(select).await.expect(select)
    }

    async fn extract(&self) -> Result<Moved> {
        self.cut_off_at(Direction::Extract, None).await
    }

    async fn absorb(&self) -> Result<Moved> {
        self.cut_off_at(Direction::Absorb, None).await
    }

    async fn cut_off_at(&self, direction: Direction, end: Option<Step>) -> Result<Moved> {
        let (from, to) = match direction {
            Direction::Extract => (self.first(), self.second()),
            Direction::Absorb => (self.second(), self.first()),
        };
        let migrate = By::<Schema>::new();
        let relocation = Relocation { module: "moves", from, to, migrate: &migrate };
        let mut reached = |step| {
            if Some(step) == end {
                bail!("cut off at {step:?}");
            }
            Ok(())
        };
        relocation.carry_out(direction, &mut reached).await
    }

    /// What keeps a program from opening the schema.
    async fn notice(&self, database: &Secret) -> Option<String> {
        let schema = PostgresSchema::connect(database, "moves", Passwords::default()).await;
        match schema.expect("the server lets us in").status::<Schema>().await {
            Ok(_) => None,
            Err(StoreError::Moved { notice, .. }) => Some(notice),
            Err(error) => panic!("{error}"),
        }
    }
}

fn admin(ground: &Ground) -> &Secret {
    let Engine::Real(engines) = ground.engine() else {
        panic!("set {} to the address of a PostgreSQL superuser", shapes::POSTGRES);
    };
    &engines.postgres
}

fn tables(moved: Moved) -> Vec<(String, u64)> {
    let Moved::Now { tables, .. } = moved else { panic!("nothing was moved") };
    tables.tables.into_iter().map(|table| (table.name, table.rows)).collect()
}

#[tokio::test]
async fn all_tenants_rows_go_there_and_back() {
    let house = House::new().await;
    let expected = [("children", 290), ("parents", 3), ("sequence children_number_seq", 1)];
    let expected = expected.map(|(name, rows)| (name.to_owned(), rows));
    assert_eq!(tables(house.extract().await.expect("they are moved")), expected);

    let notice = house.notice(house.first()).await.expect("the first is closed");
    assert!(notice.contains("they were moved to") && notice.contains("absorb moves"), "{notice}");
    assert_eq!(house.notice(house.second()).await, None);
    let kept = house.number(house.first(), "SELECT count(*) FROM moves_moved_1.children").await;
    assert_eq!(kept, 290, "nothing is deleted");
    let next = "INSERT INTO moves.children (tenant_id, parent) SELECT tenant_id, id \
                FROM moves.parents LIMIT 1 RETURNING number";
    assert_eq!(house.number(house.second(), next).await, 301, "numbers go on");
    let forced = "SELECT count(*) FROM pg_class WHERE relforcerowsecurity AND relrowsecurity \
                  AND relnamespace = 'moves'::regnamespace";
    assert_eq!(house.number(house.second(), forced).await, 2, "the policies are in force");
    assert_eq!(house.extract().await.expect("nothing is to be done"), Moved::Before);

    assert_eq!(tables(house.absorb().await.expect("they are moved back"))[0].1, 291);
    assert_eq!(house.notice(house.first()).await, None);
    assert!(house.notice(house.second()).await.is_some());
    assert_eq!(tables(house.extract().await.expect("they are moved again"))[0].1, 291);
    assert!(house.number(house.first(), "SELECT count(*) FROM moves_moved_2.children").await > 0);
}

#[tokio::test]
async fn a_move_that_was_cut_off_is_finished_and_nothing_opens_meanwhile() {
    for step in Step::ALL {
        let house = House::new().await;
        let error = house.cut_off_at(Direction::Extract, Some(step)).await;
        assert!(error.expect_err("cut off").to_string().contains("cut off at"), "{step:?}");
        assert!(house.notice(house.first()).await.is_some(), "{step:?}: the source is open");
        let back = house.absorb().await.expect_err("the other way");
        assert!(!back.to_string().is_empty());
        assert_eq!(tables(house.extract().await.expect("it is finished"))[0].1, 290, "{step:?}");
        assert_eq!(house.notice(house.second()).await, None, "{step:?}");
    }
}

#[tokio::test]
async fn nothing_is_moved_under_a_running_program() {
    let house = House::new().await;
    let url = shapes::served_url(house.first()).expect("a URL");
    let program = Secret::new(url.replace("://", "://moves_app@"));
    let program = house.side(&program).await;
    let error = house.extract().await.expect_err("somebody is connected").to_string();
    assert!(
        error.contains("a running program is connected") && error.contains("moves_app"),
        "{error}"
    );
    assert_eq!(house.notice(house.first()).await, None, "all is as before");
    program.leave().await;
    // The server sees a client go in its own time.
    while house.side(house.first()).await.refuse_sessions().await.is_err() {
        tokio::task::yield_now().await;
    }
    house.extract().await.expect("nobody is");
}

#[tokio::test]
async fn two_sides_with_data_are_not_mixed() {
    let house = House::new().await;
    By::<Schema>::new().migrate(house.second()).await.expect("a schema");
    house
        .run(
            house.second(),
            "INSERT INTO moves.parents (id, tenant_id) VALUES \
             ('00000000-0000-0000-0000-000000000009', '00000000-0000-0000-0000-0000000000aa')",
        )
        .await;
    let error = house.extract().await.expect_err("both hold data").to_string();
    assert!(error.contains("both hold data of moves (in parents)"), "{error}");
    assert_eq!(house.notice(house.first()).await, None, "all is as before");
    house.run(house.second(), "DELETE FROM moves.parents").await;
    house.extract().await.expect("an empty schema is welcome");
}

#[tokio::test]
async fn rows_go_only_into_the_schema_that_they_were_written_for() {
    let house = House::new().await;
    By::<Newer>::new().migrate(house.second()).await.expect("a newer schema");
    let error = house.extract().await.expect_err("another version").to_string();
    assert!(error.contains("the schemas differ") && error.contains("0002"), "{error}");
    assert_eq!(house.notice(house.first()).await, None, "all is as before");
    By::<Newer>::new().migrate(house.first()).await.expect("the same version");
    house.extract().await.expect("they are alike");
}

/// `FORCE` filters the owner too: a copy that heeded the policies would see no rows.
#[tokio::test]
async fn an_admin_whom_policies_bind_moves_everything_too() {
    let house = House::new().await;
    let name = format!("mover_{}", std::process::id());
    house
        .run(
            house.first(),
            &format!("CREATE ROLE {name} LOGIN CREATEROLE; GRANT moves_owner TO {name}"),
        )
        .await;
    let mut urls = Vec::new();
    for database in [house.first(), house.second()] {
        let grant = format!(
            "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {name}', \
                             current_database()); END $$"
        );
        house.run(database, &grant).await;
        let url = shapes::served_url(database).expect("a URL");
        urls.push(Secret::new(url.replace("://", &format!("://{name}@"))));
    }
    let migrate = By::<Schema>::new();
    let relocation =
        Relocation { module: "moves", from: &urls[0], to: &urls[1], migrate: &migrate };
    let moved = relocation.extract().await;
    for database in [house.first(), house.second()] {
        house.run(database, &format!("DROP OWNED BY {name}")).await;
    }
    house.run(house.first(), &format!("DROP ROLE {name}")).await;
    assert_eq!(tables(moved.expect("they are moved"))[0].1, 290);
}
