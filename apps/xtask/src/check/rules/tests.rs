use super::*;

/// A crate in `folder` that depends on `linked` and, for its tests, on `dev`.
fn made_up(folder: &str, linked: &[&str], dev: &[&str]) -> Crate {
    let dependency = |kind| move |name: &&str| Dependency { name: (*name).to_owned(), kind };
    Crate {
        name: folder.rsplit('/').next().unwrap_or(folder).to_owned(),
        folder: folder.to_owned(),
        dependencies: linked
            .iter()
            .map(dependency(Kind::Linked))
            .chain(dev.iter().map(dependency(Kind::Dev)))
            .collect(),
    }
}

/// The crates that stand around the one in question.
fn house() -> Vec<Crate> {
    [
        "modules/platform/kernel",
        "modules/platform/seam",
        "modules/platform/storage",
        "modules/platform/remote",
        "modules/platform/testing",
        "modules/auth-api",
        "modules/billing-api",
        "modules/billing",
        "adapters/sandbox",
        "migrations/auth-migrations",
        "migrations/billing-migrations",
        "apps/host",
    ]
    .map(|folder| made_up(folder, &[], &[]))
    .to_vec()
}

fn judge(folder: &str, linked: &[&str], dev: &[&str]) -> Vec<String> {
    let mut crates = house();
    crates.retain(|found| found.folder != folder);
    crates.push(made_up(folder, linked, dev));
    complaints(&crates)
}

#[track_caller]
fn check_refused(folder: &str, linked: &[&str], dev: &[&str], said: &str) {
    let complaints = judge(folder, linked, dev);
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].starts_with(folder), "{complaints:?}");
    assert!(complaints[0].contains(said), "{complaints:?}");
}

#[track_caller]
fn check_allowed(folder: &str, linked: &[&str], dev: &[&str]) {
    assert_eq!(judge(folder, linked, dev), Vec::<String>::new());
}

#[test]
fn a_house_in_order_has_no_complaints() {
    check_allowed("modules/platform/kernel", &["serde"], &["proptest"]);
    check_allowed("modules/platform/storage", &["kernel", "seam", "sea-orm"], &["testing"]);
    check_allowed("modules/platform/remote", &["seam", "reqwest"], &[]);
    check_allowed("modules/auth-api", &["kernel", "seam", "serde"], &["testing"]);
    check_allowed(
        "modules/auth",
        &["auth-api", "billing-api", "storage", "kernel", "actix-web", "sea-orm"],
        &["auth-migrations", "sandbox", "testing"],
    );
    check_allowed("adapters/sandbox", &["billing-api", "kernel", "reqwest"], &["actix-web"]);
    check_allowed("migrations/auth-migrations", &["storage", "sea-orm-migration"], &[]);
    check_allowed(
        "apps/monolith",
        &["host", "billing", "sandbox", "billing-migrations", "reqwest"],
        &[],
    );
}

#[test]
fn rule_1_the_kernel_stands_on_nothing() {
    // It is a platform crate too, but `seam` is one that a platform crate may depend on.
    check_refused("modules/platform/kernel", &["seam"], &[], "none of our crates");
    check_refused("modules/platform/kernel", &[], &["testing"], "none of our crates");
}

#[test]
fn rule_1_the_platform_knows_no_module_and_no_contract() {
    check_refused("modules/platform/storage", &["billing-api"], &[], "platform crates only");
    check_refused("modules/platform/storage", &[], &["sandbox"], "platform crates only");
    check_refused("modules/platform/storage", &["host"], &[], "platform crates only");
}

#[test]
fn rule_1_a_contract_stays_tiny() {
    check_refused("modules/auth-api", &["storage"], &[], "`kernel` and `seam` only");
    check_refused("modules/auth-api", &["billing-api"], &[], "`kernel` and `seam` only");
}

#[test]
fn rule_1_one_crate_speaks_http() {
    check_refused("modules/platform/storage", &["reqwest"], &[], "the transport's");
    check_refused("modules/auth-api", &["reqwest"], &[], "the transport's");
}

#[test]
fn rule_1_nothing_that_runs_is_built_with_test_code() {
    check_refused("modules/auth", &["testing"], &[], "dev-dependency");
    check_refused("apps/monolith", &["testing"], &[], "dev-dependency");
}

#[test]
fn rule_2_a_module_meets_others_at_their_contracts() {
    check_refused("modules/auth", &["billing"], &[], "Instead, depend on the other module's");
    check_refused("modules/auth", &["sandbox"], &[], "contracts");
    check_refused("modules/auth", &["auth-migrations"], &[], "contracts");
    check_refused("modules/auth", &["host"], &[], "contracts");
}

#[test]
fn rule_2_a_modules_tests_are_its_own() {
    check_refused("modules/auth", &[], &["billing"], "mock or fake");
    check_refused("modules/auth", &[], &["billing-migrations"], "its own migrations");
    check_refused("modules/auth", &[], &["host"], "under apps");
}

#[test]
fn rule_2_a_module_speaks_no_protocol() {
    check_refused("modules/auth", &["lapin"], &[], "neither `reqwest` nor `lapin`");
    check_refused("modules/auth", &[], &["reqwest"], "neither `reqwest` nor `lapin`");
}

#[test]
fn rule_3_an_adapter_is_readable_in_one_sitting() {
    check_refused("adapters/stripe", &["billing"], &[], "on no module");
    check_refused("adapters/stripe", &["sandbox"], &[], "on no module");
    check_refused("adapters/stripe", &["sea-orm"], &[], "neither tables nor routes");
    check_refused("adapters/stripe", &["storage"], &[], "neither tables nor routes");
    check_refused("adapters/stripe", &["actix-web"], &[], "neither tables nor routes");
}

#[test]
fn rule_4_only_apps_combine() {
    check_refused("migrations/auth-migrations", &["auth-api"], &[], "only apps combine");
    check_refused("migrations/auth-migrations", &["billing-migrations"], &[], "only apps combine");
}

#[test]
fn a_crate_has_a_place_and_its_folders_name() {
    check_refused("tools/thing", &[], &[], "no folder for a crate");
    let mut crates = house();
    crates[5].name = "identity-api".to_owned();
    assert!(complaints(&crates)[0].contains("Name folder and crate alike"));
}
