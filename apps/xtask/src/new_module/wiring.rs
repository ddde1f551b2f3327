//! Makes a new module known to the files that list all modules. An edit that finds no place for
//! itself fails before anything is written.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::names::Names;
use crate::files;

/// A file that lists the modules, with the new one in it.
pub(super) struct Edited {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Something that is put into a file.
struct Insertion {
    file: &'static str,
    /// The place is the first `before` behind `after`.
    after: &'static str,
    before: &'static str,
    text: &'static str,
}

const INSERTIONS: &[Insertion] = &[
    Insertion {
        file: "Cargo.toml",
        after: "members = [",
        before: "]",
        text: "    \"modules/{{crate}}\",\n",
    },
    Insertion {
        file: "Cargo.toml",
        after: "[workspace.dependencies]\n# Ours\n",
        before: "",
        text: "{{crate}} = { path = \"modules/{{crate}}\" }\n\
               {{crate}}-api = { path = \"modules/{{crate}}-api\" }\n\
               {{crate}}-migrations = { path = \"migrations/{{crate}}-migrations\" }\n\
               {{crate}}-service = { path = \"apps/{{crate}}-service\" }\n",
    },
    Insertion {
        file: "apps/monolith/Cargo.toml",
        after: "default = [",
        before: "]",
        text: ", \"{{crate}}\"",
    },
    Insertion {
        file: "apps/monolith/Cargo.toml",
        after: "[features]",
        before: "\n[",
        text: "{{crate}} = [\"dep:{{crate}}-service\"]\n",
    },
    Insertion {
        file: "apps/monolith/Cargo.toml",
        after: "[dependencies]\n",
        before: "",
        text: "{{crate}}-service = { workspace = true, optional = true }\n",
    },
    Insertion {
        file: "apps/monolith/src/lib.rs",
        after: "pub fn program()",
        before: "    program\n}",
        text: "    #[cfg(feature = \"{{crate}}\")]\n    \
               let program = program.module({{name}}_service::{{Module}});\n",
    },
    Insertion {
        file: "apps/host/Cargo.toml",
        after: "[dependencies]\n",
        before: "",
        text: "{{crate}}-api.workspace = true\n",
    },
    Insertion {
        file: "apps/host/src/catalogue.rs",
        after: "pub const MODULES",
        before: "];",
        text: ", {{name}}_api::MODULE",
    },
    Insertion {
        file: "apps/xtask/Cargo.toml",
        after: "[dependencies]\n",
        before: "",
        text: "{{crate}}-api.workspace = true\n",
    },
    Insertion {
        file: "apps/xtask/src/contracts/catalogue.rs",
        after: "const PORTS",
        before: "];",
        text: "    <dyn {{name}}_api::{{Module}}Api as Port>::schema,\n",
    },
    Insertion {
        file: "apps/xtask/src/contracts/catalogue.rs",
        after: "const EVENTS",
        before: "];",
        text: "    event::<{{name}}_api::{{Item}}Created>,\n",
    },
];

/// Every file that changes, as it will be.
pub(super) fn edit(root: &Path, names: &Names) -> Result<Vec<Edited>> {
    let mut edited: Vec<Edited> = Vec::new();
    for insertion in INSERTIONS {
        let path = root.join(insertion.file);
        let known = edited.iter().position(|edit| edit.path == path);
        let text = match known {
            Some(index) => edited[index].text.clone(),
            None => files::read(&path)?,
        };
        let text = insert(&text, insertion, &names.fill(insertion.text)).with_context(|| {
            format!(
                "{} has changed its form: put `{}` in by hand, or teach \
                 apps/xtask/src/new_module/wiring.rs the new form. Nothing was written",
                insertion.file,
                names.fill(insertion.text).trim()
            )
        })?;
        match known {
            Some(index) => edited[index].text = text,
            None => edited.push(Edited { path, text }),
        }
    }
    Ok(edited)
}

fn insert(text: &str, insertion: &Insertion, what: &str) -> Option<String> {
    let after = text.find(insertion.after)? + insertion.after.len();
    let mut place = after + text[after..].find(insertion.before)?;
    if what.starts_with(", ") {
        // A list that ends with a comma goes on without another.
        let list = text[after..place].trim_end();
        place = after + list.trim_end_matches(',').len();
    }
    Some(format!("{}{what}{}", &text[..place], &text[place..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    fn names() -> Names {
        Names::parse("time-sheets", None).expect("a name")
    }

    #[test]
    fn every_list_of_this_repository_takes_one_more() {
        let workspace = Workspace::find().expect("the tests run in the workspace");
        let edited = edit(workspace.root(), &names()).expect("every place is found");
        assert_eq!(edited.len(), 7);
        for Edited { path, text } in edited {
            let before = files::read(&path).expect("it is there");
            let added = text.lines().filter(|line| !before.contains(line)).count();
            assert!((1..=6).contains(&added), "{}: {added} lines", path.display());
            if path.extension().is_some_and(|extension| extension == "toml") {
                let table = text.parse::<toml::Table>().expect("still TOML");
                assert!(format!("{table:?}").contains("time-sheets"), "{}", path.display());
            }
        }
    }

    #[test]
    fn a_list_goes_on_with_one_comma() {
        let insertion = &INSERTIONS[7];
        for list in ["pub const MODULES = &[a, b];", "pub const MODULES = &[a, b,\n];"] {
            let text = insert(list, insertion, ", c").expect("a place");
            assert!(text.starts_with("pub const MODULES = &[a, b, c"), "{text}");
        }
        assert_eq!(insert("something else", insertion, ", c"), None);
    }
}
