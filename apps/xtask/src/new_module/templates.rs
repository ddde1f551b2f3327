//! The files of a new module, under `apps/xtask/templates`.

/// A file: where it goes, and what is in it. Names are filled into both.
pub(super) struct Template {
    pub(super) path: &'static str,
    pub(super) text: &'static str,
}

macro_rules! templates {
    ($($from:literal => $to:literal,)+) => {
        &[$(Template { path: $to, text: include_str!(concat!("../../templates/", $from)) }),+]
    };
}

pub(super) const TEMPLATES: &[Template] = templates![
    "api/Cargo.toml.template" => "modules/{{crate}}-api/Cargo.toml",
    "api/src/events.rs" => "modules/{{crate}}-api/src/events.rs",
    "api/src/id.rs" => "modules/{{crate}}-api/src/id.rs",
    "api/src/lib.rs" => "modules/{{crate}}-api/src/lib.rs",
    "module/Cargo.toml.template" => "modules/{{crate}}/Cargo.toml",
    "module/src/api.rs" => "modules/{{crate}}/src/api.rs",
    "module/src/http.rs" => "modules/{{crate}}/src/http.rs",
    "module/src/items/create.rs" => "modules/{{crate}}/src/{{name}}/create.rs",
    "module/src/items/entity.rs" => "modules/{{crate}}/src/{{name}}/entity.rs",
    "module/src/items/mod.rs" => "modules/{{crate}}/src/{{name}}/mod.rs",
    "module/src/items/name.rs" => "modules/{{crate}}/src/{{name}}/name.rs",
    "module/src/lib.rs" => "modules/{{crate}}/src/lib.rs",
    "module/tests/it/contract.rs" => "modules/{{crate}}/tests/it/contract.rs",
    "module/tests/it/harness.rs" => "modules/{{crate}}/tests/it/harness.rs",
    "module/tests/it/http.rs" => "modules/{{crate}}/tests/it/http.rs",
    "module/tests/it/main.rs" => "modules/{{crate}}/tests/it/main.rs",
    "migrations/Cargo.toml.template" => "migrations/{{crate}}-migrations/Cargo.toml",
    "migrations/src/lib.rs" => "migrations/{{crate}}-migrations/src/lib.rs",
    "migrations/src/m0001_items.rs" => "migrations/{{crate}}-migrations/src/m0001_{{name}}.rs",
    "service/Cargo.toml.template" => "apps/{{crate}}-service/Cargo.toml",
    "service/src/lib.rs" => "apps/{{crate}}-service/src/lib.rs",
    "service/src/main.rs" => "apps/{{crate}}-service/src/main.rs",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new_module::names::Names;

    #[test]
    fn nothing_is_left_to_fill_in() {
        let names = Names::parse("time-sheets", None).expect("a name");
        for Template { path, text } in TEMPLATES {
            for filled in [names.fill(path), names.fill(text)] {
                assert!(!filled.contains("{{") && !filled.contains("}}"), "{path}: {filled}");
            }
        }
    }
}
