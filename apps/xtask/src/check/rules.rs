//! Who may depend on whom: DESIGN's rules as data, applied to the manifests.
//!
//! A rule judges one edge: a crate, one of its direct dependencies, and what that is for.

#[cfg(test)]
mod tests;

use super::graph::{Crate, Dependency, Kind};

/// What a crate is for, by its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Kernel,
    Seam,
    Platform,
    Contract,
    Module,
    Adapter,
    Migrations,
    App,
}

/// One dependency of one crate. `to_layer` is `None` for a crate from elsewhere.
struct Edge<'a> {
    from: &'a Crate,
    from_layer: Layer,
    to: &'a Dependency,
    to_layer: Option<Layer>,
}

/// A rule about direct dependencies.
struct Rule {
    /// Its number in DESIGN.
    number: u8,
    says: &'static str,
    /// What to do where it is broken.
    remedy: &'static str,
    is_broken_by: fn(&Edge<'_>) -> bool,
}

const RULES: &[Rule] = &[
    Rule {
        number: 1,
        says: "`kernel` depends on none of our crates",
        remedy: "move what it needs into `kernel`, or the code that needs it out of it",
        is_broken_by: |edge| edge.from_layer == Layer::Kernel && edge.is_ours(),
    },
    Rule {
        number: 1,
        says: "a platform crate depends on platform crates only",
        remedy: "declare a trait in the platform crate and let an app hand the implementation in",
        is_broken_by: |edge| {
            edge.from_layer.is_platform() && edge.to_layer.is_some_and(|to| !to.is_platform())
        },
    },
    Rule {
        number: 1,
        says: "a contract (`*-api`) depends on `kernel` and `seam` only",
        remedy: "keep the contract to traits and wire types; the code behind them is the module's",
        is_broken_by: |edge| {
            edge.from_layer == Layer::Contract
                && edge.is_linked()
                && edge.to_layer.is_some_and(|to| !matches!(to, Layer::Kernel | Layer::Seam))
        },
    },
    Rule {
        number: 1,
        says: "`reqwest` is the transport's, an adapter's or an app's",
        remedy: "call another module through its port (`remote` implements the transport), and a \
                 provider through an adapter",
        is_broken_by: |edge| {
            edge.goes_to(&["reqwest"])
                && edge.is_linked()
                && edge.from.name != "remote"
                && !matches!(edge.from_layer, Layer::Adapter | Layer::App)
        },
    },
    Rule {
        number: 1,
        says: "`testing` is a dev-dependency",
        remedy: "move it to `[dev-dependencies]`",
        is_broken_by: |edge| edge.goes_to(&["testing"]) && edge.is_linked(),
    },
    Rule {
        number: 2,
        says: "a module depends on contracts (`*-api`) and `modules/platform` only",
        remedy: "depend on the other module's `*-api` and take its port as `Arc<dyn …>`; an app \
                 puts the two together",
        is_broken_by: |edge| {
            edge.from_layer == Layer::Module
                && edge.is_linked()
                && edge.to_layer.is_some_and(|to| to != Layer::Contract && !to.is_platform())
        },
    },
    Rule {
        number: 2,
        says: "a module's tests add its own migrations and adapters, nothing else of ours",
        remedy: "test against the other module's mock or fake; tests of all modules are under apps",
        is_broken_by: |edge| {
            edge.from_layer == Layer::Module
                && !edge.is_linked()
                && match edge.to_layer {
                    None | Some(Layer::Contract | Layer::Adapter) => false,
                    Some(Layer::Migrations) => {
                        edge.to.name != format!("{}-migrations", edge.from.name)
                    }
                    Some(to) => !to.is_platform(),
                }
        },
    },
    Rule {
        number: 2,
        says: "a module knows neither `reqwest` nor `lapin`",
        remedy: "declare a port for what the module needs; an adapter implements it",
        is_broken_by: |edge| {
            edge.from_layer == Layer::Module && edge.goes_to(&["reqwest", "lapin"])
        },
    },
    Rule {
        number: 3,
        says: "an adapter depends on the crates that declare its ports, and on no module",
        remedy: "declare the port in a `*-api` or platform crate and implement that",
        is_broken_by: |edge| {
            edge.from_layer == Layer::Adapter
                && edge.to_layer.is_some_and(|to| to != Layer::Contract && !to.is_platform())
        },
    },
    Rule {
        number: 3,
        says: "an adapter has neither tables nor routes",
        remedy: "let the adapter verify and translate; the module owns the route and the table",
        is_broken_by: |edge| {
            const TABLES: [&str; 4] = ["sea-orm", "sea-orm-migration", "sqlx", "storage"];
            edge.from_layer == Layer::Adapter
                && (edge.goes_to(&TABLES) || (edge.is_linked() && edge.goes_to(&["actix-web"])))
        },
    },
    Rule {
        number: 4,
        says: "only apps combine modules, adapters and migrations: a migrator depends on \
               `modules/platform` alone",
        remedy: "write the migration against tables' names; entities are the module's",
        is_broken_by: |edge| {
            edge.from_layer == Layer::Migrations
                && edge.to_layer.is_some_and(|to| !to.is_platform())
        },
    },
];

/// What is wrong with the dependencies of `crates`, each with what to do.
pub(crate) fn complaints(crates: &[Crate]) -> Vec<String> {
    crates.iter().flat_map(|from| crate_complaints(from, crates)).collect()
}

fn crate_complaints(from: &Crate, crates: &[Crate]) -> Vec<String> {
    let Some(from_layer) = Layer::of(&from.folder) else {
        return vec![format!(
            "{}: no folder for a crate. Put it into apps, modules, modules/platform, adapters or \
             migrations",
            from.folder
        )];
    };
    let mut complaints = Vec::new();
    if from.folder.rsplit('/').next() != Some(&from.name) {
        complaints.push(format!(
            "{}: the crate in it is named `{}`. Name folder and crate alike",
            from.folder, from.name
        ));
    }
    for to in &from.dependencies {
        let ours = crates.iter().find(|found| found.name == to.name);
        let to_layer = ours.and_then(|found| Layer::of(&found.folder));
        let edge = Edge { from, from_layer, to, to_layer };
        complaints.extend(RULES.iter().filter(|rule| (rule.is_broken_by)(&edge)).map(|rule| {
            format!(
                "{}: depends on `{}`, but {} (DESIGN, rule {}). Instead, {}",
                from.folder, to.name, rule.says, rule.number, rule.remedy
            )
        }));
    }
    complaints
}

impl Layer {
    fn of(folder: &str) -> Option<Self> {
        let parts: Vec<&str> = folder.split('/').collect();
        match parts.as_slice() {
            ["modules", "platform", "kernel"] => Some(Self::Kernel),
            ["modules", "platform", "seam" | "seam-macros"] => Some(Self::Seam),
            ["modules", "platform", _] => Some(Self::Platform),
            ["modules", name] if name.ends_with("-api") => Some(Self::Contract),
            ["modules", _] => Some(Self::Module),
            ["adapters", _] => Some(Self::Adapter),
            ["migrations", _] => Some(Self::Migrations),
            ["apps", _] => Some(Self::App),
            _ => None,
        }
    }

    const fn is_platform(self) -> bool {
        matches!(self, Self::Kernel | Self::Seam | Self::Platform)
    }
}

impl Edge<'_> {
    const fn is_ours(&self) -> bool {
        self.to_layer.is_some()
    }

    fn is_linked(&self) -> bool {
        self.to.kind == Kind::Linked
    }

    fn goes_to(&self, names: &[&str]) -> bool {
        names.contains(&self.to.name.as_str())
    }
}
