//! What a panic leaves behind before the thread unwinds: the only moment at which its place is known.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    cell::RefCell,
    panic::{self, Location, PanicHookInfo},
};

use super::{
    ErrorKind, HOST,
    caught::panic_message,
    desk::{self, Fault},
    report::one_line,
    site,
};

thread_local! {
    /// Where this thread last panicked, until whoever caught it asks.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes where panics come up, for those who catch them; those that nobody catches are told here, as
/// the program's own. For a program, once, after its subscriber was installed.
///
/// In place of what Rust writes to the standard error there is a line of the log, in the program's
/// format. With a `RUST_BACKTRACE`, or where nobody would hear, there is both.
pub fn watch_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let was_heard = match site::here() {
            Some(_) => note(info),
            None => tell(info),
        };
        if !was_heard || Backtrace::capture().status() == BacktraceStatus::Captured {
            before(info);
        }
    }));
}

/// Where the panic came up that has just been caught on this thread.
pub(super) fn last_place() -> Option<String> {
    LAST.take()
}

fn note(info: &PanicHookInfo<'_>) -> bool {
    let noted = LAST.try_with(|last| last.replace(info.location().map(place)));
    noted.is_ok()
}

/// Tells a panic that ends its task or its thread, and nothing else; whether anybody heard.
fn tell(info: &PanicHookInfo<'_>) -> bool {
    if !desk::is_there() {
        return false;
    }
    let message = one_line(panic_message(info.payload()));
    let place = info.location().map_or_else(|| "unknown".to_owned(), place);
    let fault = Fault {
        kind: ErrorKind::Panic,
        module: HOST,
        message: message.clone(),
        causes: Vec::new(),
        place: place.clone(),
    };
    let fingerprint = desk::tell(fault);
    tracing::error!(
        exception.message = message,
        error.place = place,
        error.fingerprint = %fingerprint,
        "a task panicked, and nobody caught it"
    );
    true
}

/// `file:line`, without where on which machine the file was when it was compiled.
fn place(location: &Location<'_>) -> String {
    format!("{}:{}", portable(location.file()), location.line())
}

fn portable(file: &str) -> &str {
    // `…/registry/src/<index>/<crate>/src/lib.rs`, or `/rustc/<commit>/library/core/src/…`.
    let after = |mark: &str| {
        let (_, rest) = file.split_once(mark)?;
        rest.split_once('/').map(|(_, path)| path)
    };
    after("/registry/src/").or_else(|| after("/rustc/")).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_wherever_the_program_was_compiled() {
        for (file, expected) in [
            ("modules/billing/src/lib.rs", "modules/billing/src/lib.rs"),
            (
                "/home/somebody/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/time-0.3.1/src/lib.rs",
                "time-0.3.1/src/lib.rs",
            ),
            (
                "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/option.rs",
                "library/core/src/option.rs",
            ),
        ] {
            assert_eq!(portable(file), expected);
        }
    }
}
