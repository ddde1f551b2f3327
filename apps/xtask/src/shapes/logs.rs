//! What the programs write.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex, PoisonError},
};

use crate::console::say;

/// Lines that are kept of each program.
const KEPT: usize = 5_000;

/// Hears every line of every program.
pub trait LogSink: fmt::Debug + Send + Sync + 'static {
    /// `program` wrote `line`.
    fn line(&self, program: &str, line: &str);
}

/// Hears nothing; lines are kept all the same.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl LogSink for Quiet {
    fn line(&self, _program: &str, _line: &str) {}
}

/// Writes each line behind its program's name, in a colour of its own on a terminal.
#[derive(Clone, Debug)]
pub struct Terminal {
    programs: Vec<String>,
    coloured: bool,
}

impl Terminal {
    /// For these programs.
    #[must_use]
    pub fn new(programs: Vec<String>) -> Self {
        let coloured = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { programs, coloured }
    }

    fn prefixed(&self, program: &str, line: &str) -> String {
        // Cyan, green, yellow, magenta, blue: none that a log level is written in.
        const COLOURS: [u8; 5] = [36, 32, 33, 35, 34];
        let width = self.programs.iter().map(String::len).max().unwrap_or(0);
        let prefix = format!("{program:<width$} |");
        let position = self.programs.iter().position(|name| name == program).unwrap_or(0);
        let colour = COLOURS[position % COLOURS.len()];
        if self.coloured {
            format!("\u{1b}[{colour}m{prefix}\u{1b}[0m {line}")
        } else {
            format!("{prefix} {line}")
        }
    }
}

impl LogSink for Terminal {
    fn line(&self, program: &str, line: &str) {
        say(self.prefixed(program, line));
    }
}

/// The last lines of one program.
#[derive(Debug)]
pub(super) struct Log {
    program: String,
    lines: Mutex<VecDeque<String>>,
    sink: Arc<dyn LogSink>,
}

impl Log {
    pub(super) fn new(program: &str, sink: Arc<dyn LogSink>) -> Self {
        Self { program: program.to_owned(), lines: Mutex::default(), sink }
    }

    pub(super) fn write(&self, line: &str) {
        self.sink.line(&self.program, line);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The last lines, to show beside a failure.
    pub(super) fn tail(&self) -> String {
        let lines = self.lines();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_wide_as_the_widest() {
        let programs = vec!["monolith".to_owned(), "billing-service".to_owned()];
        let plain = Terminal { programs: programs.clone(), coloured: false };
        assert_eq!(plain.prefixed("monolith", "hello"), "monolith        | hello");
        let coloured = Terminal { programs, coloured: true };
        assert_eq!(
            coloured.prefixed("billing-service", "hello"),
            "\u{1b}[32mbilling-service |\u{1b}[0m hello"
        );
    }

    #[test]
    fn the_oldest_lines_are_forgotten() {
        let log = Log::new("monolith", Arc::new(Quiet));
        (0..=KEPT).for_each(|n| log.write(&n.to_string()));
        let lines = log.lines();
        assert_eq!((lines.len(), lines[0].as_str()), (KEPT, "1"));
        assert!(log.tail().ends_with(&format!("\n{KEPT}")));
    }
}
