//! What a new module is called, in all the ways in which it is called.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};

/// Longer ones make paths and lines that nobody wants to read.
const LONGEST: usize = 30;

/// The words of Rust (2024 edition) and the names that crates of ours or cargo's own have.
const TAKEN: [&str; 58] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "alloc", "core", "std",
    "test", "platform", "default", "data",
];

/// The names of a module and of the things that it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// `time-sheets`: crates, folders, features, paths of the public API.
    pub(super) kebab: String,
    /// `time_sheets`: in code, configuration, tables and events.
    pub(super) snake: String,
    item: String,
}

impl Names {
    /// Reads the module's name, and that of one of its things where it is not the plural's
    /// singular.
    pub(crate) fn parse(name: &str, item: Option<&str>) -> Result<Self> {
        let kebab = read_word(name)?;
        let item = match item {
            Some(item) => read_word(item)?,
            None => singular(&kebab)?,
        };
        ensure!(item != kebab, "the module and its things need two names: give one with --item");
        Ok(Self { snake: kebab.replace('-', "_"), item: item.replace('-', "_"), kebab })
    }

    /// Fills the names into a template.
    pub(super) fn fill(&self, template: &str) -> String {
        let words = self.kebab.replace('-', " ");
        let values = [
            ("{{crate}}", self.kebab.clone()),
            ("{{name}}", self.snake.clone()),
            ("{{Module}}", camel(&self.snake)),
            ("{{item}}", self.item.clone()),
            ("{{Item}}", camel(&self.item)),
            ("{{item words}}", self.item.replace('_', " ")),
            ("{{Words}}", capital(&words)),
            ("{{words}}", words),
        ];
        values.into_iter().fold(template.to_owned(), |text, (key, value)| text.replace(key, &value))
    }

    /// The crates that are made.
    pub(super) fn crates(&self) -> [String; 4] {
        ["", "-api", "-migrations", "-service"].map(|suffix| format!("{}{suffix}", self.kebab))
    }

    /// Refuses names that something else has: a crate of ours, or one that we depend on.
    pub(super) fn check_free(&self, known: &BTreeSet<String>) -> Result<()> {
        let taken = self.crates().into_iter().find(|name| known.contains(name));
        if let Some(name) = taken {
            bail!("there is a crate `{name}` already: choose another name");
        }
        Ok(())
    }
}

/// A word or several, as `time-sheets` or `time_sheets`.
fn read_word(text: &str) -> Result<String> {
    let word = text.replace('_', "-");
    let part_is_good = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    ensure!(
        word.len() <= LONGEST && word.split('-').all(part_is_good),
        "`{text}` is no name for a module: use lower-case words joined by `-`, such as \
         `time-sheets`, of {LONGEST} characters at most"
    );
    ensure!(!TAKEN.contains(&word.as_str()), "`{text}` means something else already");
    let ending = ["-api", "-migrations", "-service"].into_iter().find(|it| word.ends_with(it));
    if let Some(ending) = ending {
        bail!("`{text}` ends as the crate `…{ending}` of a module does: choose another name");
    }
    Ok(word)
}

fn singular(plural: &str) -> Result<String> {
    let singular = match (plural.strip_suffix("ies"), plural.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) if !stem.ends_with('s') && !stem.is_empty() => stem.to_owned(),
        _ => bail!("what is one of `{plural}`? Say it with --item, such as `--item entry`"),
    };
    Ok(singular)
}

fn camel(snake: &str) -> String {
    snake.split('_').map(capital).collect()
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_in_every_way() {
        let names = Names::parse("time_sheets", None).expect("a name");
        let text = names.fill(
            "{{crate}} {{name}} {{Module}} {{item}} {{Item}} {{item words}} {{words}} {{Words}}",
        );
        assert_eq!(
            text,
            "time-sheets time_sheets TimeSheets time_sheet TimeSheet time sheet time sheets Time \
             sheets"
        );
    }

    #[test]
    fn one_of_many_is_known_or_asked_for() {
        for (plural, one) in [("projects", "project"), ("companies", "company")] {
            assert_eq!(Names::parse(plural, None).expect("a name").item, one);
        }
        for plural in ["staff", "glass"] {
            let error = Names::parse(plural, None).expect_err("who knows?").to_string();
            assert!(error.contains("--item"), "{error}");
        }
        assert_eq!(Names::parse("staff", Some("employee")).expect("names").item, "employee");
        assert!(Names::parse("staff", Some("staff")).is_err());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "Projects",
            "my projects",
            "-projects",
            "projects-",
            "a--b",
            "2things",
            "über",
            "crate",
            "self",
            "projects-api",
            "projects_service",
            "../etc",
            "a-name-that-is-far-too-long-to-read",
        ] {
            assert!(Names::parse(text, Some("item")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_that_a_crate_has_is_refused() {
        let names = Names::parse("projects", None).expect("a name");
        names.check_free(&["billing".to_owned()].into()).expect("it is free");
        let error = names.check_free(&["projects-api".to_owned()].into()).expect_err("it is not");
        assert!(error.to_string().contains("`projects-api`"), "{error}");
    }
}
