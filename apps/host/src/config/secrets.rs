//! Secrets from files: the last layer, which wins over the others.

use std::path::Path;

use kernel::Secret;

use super::Mistakes;

/// Puts what `file` holds, without the line break at its end, in place of `value`.
pub(super) fn from_file(
    place: &str,
    value: &mut Option<Secret>,
    file: Option<&Path>,
    mistakes: &mut Mistakes,
) {
    let Some(path) = file else { return };
    let place = format!("{place}_file");
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => {
            mistakes.add(place, format!("{} is empty", path.display()));
        }
        Ok(text) => *value = Some(Secret::new(text.trim())),
        Err(error) => mistakes.add(place, format!("{}: {error}", path.display())),
    }
}
