//! Files that want to be two. A warning only: a table or a test may have its reasons.

use std::path::Path;

use anyhow::Result;

use crate::{console::say, files, steps::Verdict};

/// Lines; the house aims under 300.
const MOST_LINES: usize = 400;
/// Lines past which nobody reads a file in one sitting.
const TOO_MANY_LINES: usize = 800;

/// Says which source files are long, and fails for one that is far too long.
pub(crate) fn report(root: &Path) -> Result<Verdict> {
    let mut too_long = Vec::new();
    for path in files::with_extension(root, "", "rs")? {
        let lines = files::read(&path)?.lines().count();
        let name = files::relative(root, &path);
        match judge(lines) {
            Size::Fine => {}
            Size::Long => say(format_args!("   warning: {name} has {lines} lines: two features?")),
            Size::TooLong => too_long.push(format!(
                "{name} has {lines} lines, more than {TOO_MANY_LINES}: split it by feature"
            )),
        }
    }
    Ok(Verdict::of(&too_long))
}

#[derive(Debug, PartialEq, Eq)]
enum Size {
    Fine,
    Long,
    TooLong,
}

const fn judge(lines: usize) -> Size {
    if lines > TOO_MANY_LINES {
        Size::TooLong
    } else if lines > MOST_LINES {
        Size::Long
    } else {
        Size::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_warns_and_very_long_fails() {
        assert_eq!(
            [400, 401, 800, 801].map(judge),
            [Size::Fine, Size::Long, Size::Long, Size::TooLong]
        );
    }
}
