//! What the crates declare, so that a port or an event that the catalogue forgot is found.

use std::path::Path;

use anyhow::Result;

use super::document::{Document, FOLDER, text};
use crate::files;

/// A complaint for each port and event that is declared and not in the catalogue.
pub(super) fn missing_from_catalogue(root: &Path, known: &[Document]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for document in known {
        let key = if document.content.get("port").is_some() { "port" } else { "name" };
        names.push(text(&document.content, key)?);
    }
    let mut complaints = Vec::new();
    for path in files::with_extension(root, "modules", "rs")? {
        let file = files::relative(root, &path);
        // Tests declare ports and events of their own; contracts are in `*-api` and the platform.
        if !is_contract(&file) {
            continue;
        }
        let declared = declarations(&files::read(&path)?);
        complaints.extend(declared.into_iter().filter(|name| !names.contains(&name.as_str())).map(
            |name| {
                format!(
                    "{file}: `{name}` has no file in {FOLDER}: add it to \
                     apps/xtask/src/contracts/catalogue.rs and run `cargo xtask contracts --write`"
                )
            },
        ));
    }
    Ok(complaints)
}

fn is_contract(file: &str) -> bool {
    let in_contract = file.split('/').nth(1).is_some_and(|folder| folder.ends_with("-api"));
    (in_contract || file.starts_with("modules/platform/seam/"))
        && file.contains("/src/")
        && !file.ends_with("/tests.rs")
}

/// The names of the traits under `#[port(…)]` and of the types with `impl Event for`, outside the
/// file's tests.
fn declarations(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let (mut names, mut port_follows) = (Vec::new(), false);
    for line in code.lines().map(str::trim) {
        port_follows |= line.starts_with("#[port(") || line.starts_with("#[seam::port(");
        let found = if port_follows {
            line.strip_prefix("pub trait ")
        } else {
            line.strip_prefix("impl Event for ").or(line.strip_prefix("impl kernel::Event for "))
        };
        if let Some(rest) = found {
            port_follows = false;
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            names.push(rest[..end.unwrap_or(rest.len())].to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_events_are_found_and_other_traits_are_not() {
        let text = "#[port(service = \"a\", version = 1)]\n/// Doc.\npub trait ThingApi {\n}\n\
                    pub trait PaymentGateway: Send {}\nimpl Event for ThingDone {\n\
                    #[cfg(test)]\nmod tests { \nimpl Event for InATest {";
        assert_eq!(declarations(text), ["ThingApi", "ThingDone"]);
    }

    #[test]
    fn contracts_are_where_they_belong() {
        assert!(is_contract("modules/billing-api/src/events.rs"));
        assert!(is_contract("modules/platform/seam/src/events.rs"));
        assert!(!is_contract("modules/platform/seam/tests/it/main.rs"));
        assert!(!is_contract("modules/billing/src/lib.rs"));
    }
}
