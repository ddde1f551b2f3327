//! Only apps read the environment (DESIGN, rule 4): elsewhere a setting is an argument.

use std::path::Path;

use anyhow::Result;

use crate::files;

const FOLDERS: [&str; 3] = ["modules", "adapters", "migrations"];

/// Test runs say by the environment which engine they are for, and no product links these, nor what
/// is in a crate's `tests`.
const FOR_TESTS: [&str; 2] = ["modules/platform/databases/", "modules/platform/testing/"];

/// Where the environment of the process is read although it should not be.
pub(crate) fn complaints(root: &Path) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for folder in FOLDERS {
        for path in files::with_extension(root, folder, "rs")? {
            let name = files::relative(root, &path);
            if FOR_TESTS.iter().any(|folder| name.starts_with(folder)) || name.contains("/tests/") {
                continue;
            }
            complaints.extend(offending_lines(&files::read(&path)?).into_iter().map(|line| {
                format!(
                    "{name}:{line}: only apps read the environment (DESIGN, rule 4). Take the \
                     value as a field of the crate's settings; `apps/host` reads it"
                )
            }));
        }
    }
    Ok(complaints)
}

/// The numbers of the lines that use `std::env`; `env!` reads at compile time and is fine.
fn offending_lines(text: &str) -> Vec<usize> {
    const USES: [&str; 4] = ["std::env", "env::var", "env::args", "env::current_dir"];
    let code = |line: &str| line.split("//").next().unwrap_or("").to_owned();
    text.lines()
        .enumerate()
        .filter(|(_, line)| USES.iter().any(|found| code(line).contains(found)))
        .map(|(index, _)| index + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_at_run_time_are_found_and_comments_are_not() {
        let text = "use std::env;\n// std::env::var is for apps\nlet x = env::var(\"X\");\n\
                    const V: &str = env!(\"CARGO_PKG_VERSION\");";
        assert_eq!(offending_lines(text), [1, 3]);
    }
}
