//! The move itself, step by step. Each step can be cut off, and is then done again.
//!
//! 1. The journal says that a move has begun; both places are closed: programs refuse to open them.
//! 2. The source's log is folded in, and what it holds is counted.
//! 3. A copy is made beside its place, verified, and put in place.
//! 4. The source is set aside under another name.
//! 5. The new place is opened; the old one stays closed, and says where the data are.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use sea_orm_migration::sea_orm::sqlx::{self, Connection as _, Row as _};

use super::{
    Inventory, Place, durable,
    inventory::{Mode, open},
    journal::{Direction, Journal},
};
use crate::workspace::{MONOLITH, module_name, service_name};

/// What became of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The data were there already.
    AlreadyDone,
    /// The data were moved.
    Moved {
        /// What was counted at the source, and found again in the copy.
        tables: Inventory,
        /// The source under its new name.
        kept: PathBuf,
    },
}

/// Where a move can be cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Begun,
    Closed,
    Counted,
    Copied,
    Placed,
    SetAside,
    Opened,
}

impl Step {
    #[cfg(test)]
    pub(super) const ALL: [Self; 7] = [
        Self::Begun,
        Self::Closed,
        Self::Counted,
        Self::Copied,
        Self::Placed,
        Self::SetAside,
        Self::Opened,
    ];
}

/// One module's data on their way.
pub(super) struct Relocation {
    module: String,
    direction: Direction,
    from: Place,
    to: Place,
    journal: PathBuf,
    /// Who has the data afterwards, as the name of the file that is set aside tells it.
    new_home: String,
}

impl Relocation {
    pub(super) fn new(module: &str, data: &Path, direction: Direction) -> Self {
        let monolith = Place::in_monolith(data, module);
        let service = Place::in_service(data, module);
        let journal = monolith.journal();
        let (from, to, new_home) = match direction {
            Direction::Extract => (monolith, service, service_name(module)),
            Direction::Absorb => (service, monolith, MONOLITH.to_owned()),
        };
        Self { module: module.to_owned(), direction, from, to, journal, new_home }
    }

    /// Moves, or finishes a move that was cut off. `reached` hears of each step that is done; where
    /// it fails, the move is cut off there.
    pub(super) async fn carry_out(
        &self,
        reached: &mut dyn FnMut(Step) -> Result<()>,
    ) -> Result<Outcome> {
        if !self.journal.exists() {
            self.check_data_exist()?;
            if self.is_done()? {
                return Ok(Outcome::AlreadyDone);
            }
        }
        let _locks = [self.lock(&self.from)?, self.lock(&self.to)?];
        let mut journal = match Journal::read(&self.journal)? {
            Some(journal) => self.resume(journal)?,
            None => self.begin()?,
        };
        reached(Step::Begun)?;
        self.close()?;
        reached(Step::Closed)?;
        if self.from.has_data() {
            self.copy(&mut journal, reached).await?;
            durable::rename(&self.from.database(), &journal.retired)?;
            reached(Step::SetAside)?;
        }
        let tables = self.verify_in_place(&journal).await?;
        self.open_new_place()?;
        reached(Step::Opened)?;
        durable::remove(&self.journal)?;
        Ok(Outcome::Moved { tables, kept: journal.retired })
    }

    fn check_data_exist(&self) -> Result<()> {
        let (from, to) = (self.from.database(), self.to.database());
        match (self.from.has_data(), self.to.has_data()) {
            (true, true) => bail!(
                "{} and {} both exist. Which one holds the truth is yours to say: move the other \
                 one away, then run this again",
                from.display(),
                to.display()
            ),
            (false, false) => bail!(
                "there is nothing to move: {} does not exist. Name the directory with --data; a \
                 program that has never run has no data, and starts with empty ones",
                from.display()
            ),
            _ => Ok(()),
        }
    }

    /// Takes what a running program holds, for as long as the move takes.
    fn lock(&self, place: &Place) -> Result<File> {
        let path = place.lock();
        let context = || format!("locking {}", path.display());
        fs::create_dir_all(&place.dir).with_context(context)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.with_context(context)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => bail!(
                "a running program has {} open. Stop it (Ctrl-C where it was started, or SIGTERM), \
                 then run this again",
                place.database().display()
            ),
            Err(TryLockError::Error(error)) => Err(error).with_context(context),
        }
    }

    fn resume(&self, journal: Journal) -> Result<Journal> {
        ensure!(
            journal.direction == self.direction,
            "a move of {} in the other direction was cut off; finish it first: \
             cargo xtask {} {}",
            self.module,
            journal.direction.command(),
            self.module
        );
        Ok(journal)
    }

    /// Whether the data are at their new place and nowhere else. A notice that somebody has
    /// removed by hand is put back: without it the monolith would begin with empty data.
    fn is_done(&self) -> Result<bool> {
        let done = self.to.has_data() && !self.from.has_data();
        if done && self.direction == Direction::Extract && !self.from.is_closed() {
            self.open_new_place()?;
        }
        Ok(done)
    }

    fn begin(&self) -> Result<Journal> {
        let journal = Journal {
            direction: self.direction,
            retired: self.from.aside(&format!("moved-to-{}", self.new_home)),
            counted: None,
        };
        journal.write(&self.journal)?;
        Ok(journal)
    }

    /// Closes both places: whoever starts a program while the move is cut off hears of it.
    fn close(&self) -> Result<()> {
        let notice = format!(
            "a move of them to {} was begun and not finished. Run `cargo xtask {} {}` to finish \
             it; nothing is lost.\n",
            self.to.database().display(),
            self.direction.command(),
            self.module
        );
        durable::write(&self.from.notice(), &notice)?;
        durable::write(&self.to.notice(), &notice)
    }

    /// Counts the source, copies it, verifies the copy and puts it in place.
    async fn copy(
        &self,
        journal: &mut Journal,
        reached: &mut dyn FnMut(Step) -> Result<()>,
    ) -> Result<()> {
        let (source, partial) = (self.from.database(), self.to.partial());
        fold_in_log(&source).await?;
        let counted = Inventory::of(&source).await?;
        journal.counted = Some(counted.clone());
        journal.write(&self.journal)?;
        reached(Step::Counted)?;

        // What lies here was copied by a move that was cut off, and both places were closed since.
        durable::remove(&partial)?;
        if self.to.has_data() {
            durable::rename(&self.to.database(), &self.to.aside("left-by-an-unfinished-move"))?;
        }
        let mut connection = open(&source, Mode::ReadOnly).await?;
        let copied = sqlx::query("VACUUM INTO ?").bind(partial.to_string_lossy().as_ref());
        let copied = copied.execute(&mut connection).await;
        copied.with_context(|| format!("copying to {}", partial.display()))?;
        connection.close().await.context("closing the source")?;
        reached(Step::Copied)?;

        check_integrity(&partial).await?;
        counted.compare(&Inventory::of(&partial).await?)?;
        durable::sync(&partial)?;
        durable::rename(&partial, &self.to.database())?;
        reached(Step::Placed)
    }

    /// Counts what is in place once more, against what the source held.
    async fn verify_in_place(&self, journal: &Journal) -> Result<Inventory> {
        let counted = journal.counted.clone().context("the journal of the move has no counts")?;
        counted.compare(&Inventory::of(&self.to.database()).await?)?;
        Ok(counted)
    }

    /// The old place stays closed and says where the data are; the new one is opened.
    fn open_new_place(&self) -> Result<()> {
        let (module, name) = (&self.module, module_name(&self.module));
        let new_home = self.to.database();
        let notice = match self.direction {
            Direction::Extract => format!(
                "they were moved to {}. Start {} on them and tell this program where it runs \
                 (`modules.{name}.urls`), as `cargo xtask up --extract {module}` does; or bring \
                 them back with `cargo xtask absorb {module}`.\n",
                new_home.display(),
                service_name(module)
            ),
            Direction::Absorb => format!(
                "they were moved back to the monolith, to {}. Run the monolith with {name} in it, \
                 or move them out again with `cargo xtask extract {module}`.\n",
                new_home.display()
            ),
        };
        durable::write(&self.from.notice(), &notice)?;
        durable::remove(&self.to.notice())
    }
}

/// Writes the write-ahead log into the database itself, so that the file alone is all there is.
async fn fold_in_log(path: &Path) -> Result<()> {
    let context = || format!("folding the log of {} in", path.display());
    let mut connection = open(path, Mode::ReadWrite).await?;
    let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
    let row = checkpoint.fetch_one(&mut connection).await.with_context(context)?;
    ensure!(row.get::<i64, _>(0) == 0, "something else has {} open", path.display());
    let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = DELETE");
    let mode = mode.fetch_one(&mut connection).await.with_context(context)?;
    ensure!(mode == "delete", "something else has {} open", path.display());
    connection.close().await.with_context(context)
}

async fn check_integrity(path: &Path) -> Result<()> {
    let mut connection = open(path, Mode::ReadOnly).await?;
    let check = sqlx::query_scalar::<_, String>("PRAGMA integrity_check");
    let said = check.fetch_one(&mut connection).await;
    let said = said.with_context(|| format!("checking {}", path.display()))?;
    ensure!(said == "ok", "the copy {} is damaged: {said}", path.display());
    connection.close().await.context("closing the copy")
}
