//! A module's schema on its way from one PostgreSQL database to another. Each step can be cut off,
//! and is then done again.
//!
//! 1. The source is closed: its schema gets another name, and an empty one with a notice takes its
//!    place, in one transaction that nobody else can be inside of. From then on no program starts
//!    on it, and one that was overlooked finds no tables.
//! 2. The destination's schema is made by the module's own `migrate`, and closed.
//! 3. The source is counted, copied in one transaction, and found again in the copy.
//! 4. The source's notice says where the data are; the destination is opened.
//!
//! *Invariants*: at no moment can both sides take writes; nothing of the source is deleted; what
//! row-level security would leave out is an error and not a smaller copy.

mod copy;
mod inventory;
mod side;
#[cfg(test)]
mod tests;

use anyhow::{Result, bail, ensure};
use async_trait::async_trait;
use kernel::Secret;

use self::side::{Found, Side};
use super::{Inventory, journal::Direction};
use crate::workspace::{module_name, service_name};

/// Brings a module's schema up to date in a database: what the module's program does.
#[async_trait]
pub trait Migrate: Send + Sync {
    /// Makes the schema in the database that `admin` may change.
    ///
    /// # Errors
    /// The program's.
    async fn migrate(&self, admin: &Secret) -> Result<()>;
}

/// What became of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The data were there already.
    Before,
    /// The data were moved.
    Now {
        /// What was counted at the source, and found again at the destination.
        tables: Inventory,
        /// The source under its new name.
        kept: String,
    },
}

/// Where a move can be cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    SourceClosed,
    SchemaMade,
    DestinationClosed,
    Copied,
    NoticeWritten,
}

impl Step {
    #[cfg(test)]
    pub(super) const ALL: [Self; 5] = [
        Self::SourceClosed,
        Self::SchemaMade,
        Self::DestinationClosed,
        Self::Copied,
        Self::NoticeWritten,
    ];
}

/// One module's schema on its way.
pub struct Relocation<'a> {
    /// The module, by its crate's name.
    pub module: &'a str,
    /// The database that the data are in, as somebody who may change the module's schema.
    pub from: &'a Secret,
    /// The database that they are to be in.
    pub to: &'a Secret,
    /// Makes the schema there.
    pub migrate: &'a dyn Migrate,
}

impl Relocation<'_> {
    /// Moves the module's data to a database of its service's own, or finishes a move that was cut
    /// off.
    ///
    /// # Errors
    /// A program is connected to either side, there are no data, both sides have some, the schemas
    /// differ, or a copy does not verify.
    pub async fn extract(&self) -> Result<Moved> {
        self.carry_out(Direction::Extract, &mut |_| Ok(())).await
    }

    /// Moves them back.
    ///
    /// # Errors
    /// As [`Relocation::extract`].
    pub async fn absorb(&self) -> Result<Moved> {
        self.carry_out(Direction::Absorb, &mut |_| Ok(())).await
    }

    async fn carry_out(
        &self,
        direction: Direction,
        reached: &mut dyn FnMut(Step) -> Result<()>,
    ) -> Result<Moved> {
        let mut source = Side::enter(self.from, self.module).await?;
        let mut goal = Side::enter(self.to, self.module).await?;
        let moved = self.carry_out_between(direction, &mut source, &mut goal, reached).await;
        // Whoever comes next finds no locks of this one.
        source.leave().await;
        goal.leave().await;
        moved
    }

    async fn carry_out_between(
        &self,
        direction: Direction,
        source: &mut Side,
        goal: &mut Side,
        reached: &mut dyn FnMut(Step) -> Result<()>,
    ) -> Result<Moved> {
        ensure!(source.place() != goal.place(), "both URLs lead to {}", source.place());
        source.lock().await?;
        goal.lock().await?;
        let begun = match source.find().await? {
            Found::Moved { to, kept } if to == goal.place() => {
                return self.already(source, goal, kept).await;
            }
            Found::Moved { to, .. } => {
                bail!("the data of {} were moved from {} to {to}", self.module, source.place())
            }
            Found::Moving { to, kept } if to == goal.place() => Some(kept),
            Found::Moving { to, .. } => bail!(
                "a move of {} to {to} was cut off; finish that one first: cargo xtask {} {} with \
                 the same URLs",
                self.module,
                direction.command(),
                self.module
            ),
            Found::Filling => bail!(
                "a move of {} to {} was cut off; finish that one first",
                self.module,
                source.place()
            ),
            Found::Nothing => bail!(
                "there is nothing to move: {} has no schema `{}`",
                source.place(),
                module_name(self.module)
            ),
            Found::Live => None,
        };
        for side in [&mut *source, &mut *goal] {
            side.refuse_sessions().await?;
        }
        let schema = begun.clone().unwrap_or_else(|| module_name(self.module));
        self.check_goal(source, &schema, goal, begun.is_some()).await?;
        let kept = match begun {
            Some(kept) => kept,
            None => source.close(goal.place(), &self.begun(direction, goal.place())).await?,
        };
        reached(Step::SourceClosed)?;
        self.prepare(direction, source, goal, reached).await?;
        self.check_versions(&kept, source, goal).await?;

        let counted = source.inventory(&kept).await?;
        source.copy_to(&kept, goal, &counted).await?;
        reached(Step::Copied)?;
        counted.compare(&goal.inventory(&module_name(self.module)).await?)?;
        self.finish(direction, &kept, source, goal, reached).await?;
        let kept = format!("schema {kept} in {}", source.place());
        Ok(Moved::Now { tables: counted, kept })
    }

    /// The source says that the data are at the goal: opens it where that was all that was missing.
    async fn already(&self, source: &mut Side, goal: &mut Side, kept: String) -> Result<Moved> {
        match goal.find().await? {
            Found::Live => Ok(Moved::Before),
            Found::Filling => {
                let counted = source.inventory(&kept).await?;
                counted.compare(&goal.inventory(&module_name(self.module)).await?)?;
                goal.open().await?;
                let kept = format!("schema {kept} in {}", source.place());
                Ok(Moved::Now { tables: counted, kept })
            }
            _ => bail!(
                "{} says that the data of {} are in {}, and they are not. The schema {kept} there \
                 holds what was moved",
                source.place(),
                self.module,
                goal.place()
            ),
        }
    }

    /// A schema that somebody has made for the data is welcome; data are not.
    async fn check_goal(
        &self,
        source: &mut Side,
        schema: &str,
        goal: &mut Side,
        is_begun: bool,
    ) -> Result<()> {
        match goal.find().await? {
            Found::Live => {}
            Found::Filling if is_begun => return Ok(()),
            Found::Filling | Found::Moving { .. } => bail!(
                "another move of {} that concerns {} was cut off; finish that one first",
                self.module,
                goal.place()
            ),
            Found::Nothing | Found::Moved { .. } => return Ok(()),
        }
        let there = goal.inventory(&module_name(self.module)).await?;
        let here = source.inventory(schema).await?;
        // What a migration writes itself is the same on both sides.
        let theirs = there.tables.iter().filter(|table| {
            table.rows > 0 && !table.name.starts_with("sequence ") && !here.tables.contains(table)
        });
        let theirs: Vec<&str> = theirs.map(|table| table.name.as_str()).collect();
        ensure!(
            theirs.is_empty(),
            "{} and {} both hold data of {} (in {}). Which ones are the truth is yours to say: \
             give the others' schema another name, then run this again",
            source.place(),
            goal.place(),
            self.module,
            theirs.join(", ")
        );
        Ok(())
    }

    /// Has the schema made where it is not there, and closes it.
    async fn prepare(
        &self,
        direction: Direction,
        source: &mut Side,
        goal: &mut Side,
        reached: &mut dyn FnMut(Step) -> Result<()>,
    ) -> Result<()> {
        if matches!(goal.find().await?, Found::Moved { .. }) {
            // From where they were moved away before, they may come back.
            goal.remove_notice().await?;
        }
        if goal.find().await? == Found::Nothing {
            // Migrating takes the same lock.
            goal.unlock().await?;
            self.migrate.migrate(self.to).await?;
            goal.lock().await?;
        }
        reached(Step::SchemaMade)?;
        goal.close_for_filling(&self.begun(direction, source.place())).await?;
        reached(Step::DestinationClosed)
    }

    /// Rows fit into the schema that they were written for. Where the two differ, all is as before.
    async fn check_versions(&self, kept: &str, source: &mut Side, goal: &mut Side) -> Result<()> {
        let here = source.migrations(kept).await?;
        let there = goal.migrations(&module_name(self.module)).await?;
        if here == there {
            return Ok(());
        }
        goal.open().await?;
        source.reopen(kept).await?;
        bail!(
            "the schemas differ: {} has the migrations {}, and {} has {}. Nothing was moved. Bring \
             both to the same version with the `migrate` of one build, then run this again",
            source.place(),
            here.join(", "),
            goal.place(),
            there.join(", ")
        )
    }

    async fn finish(
        &self,
        direction: Direction,
        kept: &str,
        source: &mut Side,
        goal: &mut Side,
        reached: &mut dyn FnMut(Step) -> Result<()>,
    ) -> Result<()> {
        let (module, name) = (self.module, module_name(self.module));
        let place = goal.place();
        let notice = match direction {
            Direction::Extract => format!(
                "they were moved to {place}. Start {} on them (`modules.{name}.postgres.url`) and \
                 tell this program where it runs (`modules.{name}.urls`); or bring them back with \
                 `cargo xtask absorb {module}`",
                service_name(module)
            ),
            Direction::Absorb => format!(
                "they were moved back to {place}. Run the module on them (`postgres.url`), or move \
                 them out again with `cargo xtask extract {module}`"
            ),
        };
        source.say_where(kept, place, &notice).await?;
        reached(Step::NoticeWritten)?;
        goal.open().await
    }

    fn begun(&self, direction: Direction, other: &str) -> String {
        let between = match direction {
            Direction::Extract => "out",
            Direction::Absorb => "back",
        };
        format!(
            "a move of them {between} (the other database is {other}) was begun and not finished. \
             Run `cargo xtask {} {}` with the same URLs to finish it; nothing is lost",
            direction.command(),
            self.module
        )
    }
}
