//! What is linked into each program (DESIGN, rule 6): from the graph of the features as built, not
//! from what the manifests hope for.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::{
    graph,
    workspace::{MONOLITH, Workspace, service_name},
};

/// A program, as it is built for some shape.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    /// Its crate.
    name: String,
    /// The features that it is built with; its default ones are off.
    features: BTreeSet<String>,
}

/// A program and the crates that it must not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Expectation {
    program: Program,
    without: BTreeSet<String>,
}

impl Program {
    fn monolith(modules: BTreeSet<String>) -> Self {
        Self { name: MONOLITH.to_owned(), features: modules }
    }

    fn service(module: &str) -> Self {
        Self { name: service_name(module), features: BTreeSet::new() }
    }
}

/// The crates of `module` that no other program may hold. Its contract is not among them.
fn implementation_of(module: &str) -> BTreeSet<String> {
    [module.to_owned(), format!("{module}-migrations"), service_name(module)].into()
}

/// What is linked where it should not be.
pub(crate) fn complaints(workspace: &Workspace) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for expectation in expectations(&workspace.modules()?) {
        let Program { name, features } = &expectation.program;
        let features: Vec<&str> = features.iter().map(String::as_str).collect();
        let linked = graph::linked_in(workspace, name, &features)?;
        complaints.extend(judge(&expectation, &linked));
    }
    Ok(complaints)
}

/// The monolith without each module, without any, and every module's own program.
fn expectations(modules: &BTreeSet<String>) -> Vec<Expectation> {
    let others = |module: &String| -> BTreeSet<String> {
        modules.iter().filter(|other| *other != module).cloned().collect()
    };
    let implementations = |modules: &BTreeSet<String>| -> BTreeSet<String> {
        modules.iter().flat_map(|module| implementation_of(module)).collect()
    };
    let without_one = modules.iter().map(|module| Expectation {
        program: Program::monolith(others(module)),
        without: implementation_of(module),
    });
    let alone = modules.iter().map(|module| Expectation {
        program: Program::service(module),
        without: implementations(&others(module)),
    });
    let without_all = Expectation {
        program: Program::monolith(BTreeSet::new()),
        without: implementations(modules),
    };
    without_one.chain(alone).chain([without_all]).collect()
}

fn judge(expectation: &Expectation, linked: &BTreeSet<String>) -> Vec<String> {
    let Expectation { program, without } = expectation;
    let features = program.features.iter().cloned().collect::<Vec<_>>().join(",");
    let built = if features.is_empty() {
        program.name.clone()
    } else {
        format!("{} with the features {features}", program.name)
    };
    let foreign = linked.intersection(without);
    foreign
        .map(|name| {
            format!(
                "{built} links `{name}` (DESIGN, rule 6). Find who brings it in with\n    cargo tree \
                 -p {} --no-default-features --features '{features}' -e normal,build -i {name}\n\
                 and depend on the contract instead, or make the dependency optional",
                program.name
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
        names.map(str::to_owned).into()
    }

    #[test]
    fn every_program_is_looked_into() {
        let expected = expectations(&names(["auth", "billing"]));
        let programs: Vec<_> = expected
            .iter()
            .map(|found| (found.program.name.as_str(), found.program.features.clone()))
            .collect();
        assert_eq!(
            programs,
            [
                ("monolith", names(["billing"])),
                ("monolith", names(["auth"])),
                ("auth-service", names([])),
                ("billing-service", names([])),
                ("monolith", names([])),
            ]
        );
        assert_eq!(
            expected[1].without,
            names(["billing", "billing-migrations", "billing-service"])
        );
        assert_eq!(expected[3].without, names(["auth", "auth-migrations", "auth-service"]));
    }

    #[test]
    fn a_contract_may_be_linked_and_an_implementation_may_not() {
        let expectation = &expectations(&names(["auth", "billing"]))[1];
        let fine = names(["monolith", "auth", "billing-api", "host"]);
        assert_eq!(judge(expectation, &fine), Vec::<String>::new());
        let complaints = judge(expectation, &names(["monolith", "billing-migrations"]));
        assert!(complaints[0].contains("links `billing-migrations`"), "{complaints:?}");
        assert!(complaints[0].contains("-i billing-migrations"), "{complaints:?}");
    }
}
