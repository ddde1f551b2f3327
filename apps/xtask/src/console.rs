//! Lines for the person at the terminal.

use std::{
    fmt::Display,
    io::{self, Write},
};

/// Writes a line to the standard output. A reader that went away is no error of ours.
pub fn say(line: impl Display) {
    let _gone = writeln!(io::stdout().lock(), "{line}");
}

/// Writes a line to the standard error.
pub fn complain(line: impl Display) {
    let _gone = writeln!(io::stderr().lock(), "error: {line}");
}

/// Lays `rows` out in columns, the first row being the head.
#[must_use]
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["table".to_owned(), "rows".to_owned()], vec!["a".into(), "1".into()]];
        assert_eq!(table(&rows), "  table  rows\n  a      1");
    }
}
