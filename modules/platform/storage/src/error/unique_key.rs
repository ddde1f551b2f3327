//! Which key two rows would have shared.

use std::fmt;

/// The key that two rows would have shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueKey {
    /// The table.
    pub table: String,
    /// Its columns, in the key's order; empty where the database does not name them.
    pub columns: Vec<String>,
}

impl UniqueKey {
    /// Whether it is a key of `table` that `column` is part of.
    #[must_use]
    pub fn is_on(&self, table: &str, column: &str) -> bool {
        self.table == table && self.columns.iter().any(|name| name == column)
    }
}

impl fmt::Display for UniqueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.table, self.columns.join(", "))
    }
}
