//! Who runs where, and what each program is told about the others.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::Result;
use tokio::process::Command;

use super::{Detour, Launch, Purpose, build::Binaries, engine::Value, ports::Listeners};
use crate::{
    extraction::Place,
    workspace::{MONOLITH, module_name, service_name},
};

/// A program that is about to be started.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) binary: PathBuf,
    /// The modules in it, by their crates.
    pub(super) modules: BTreeSet<String>,
    pub(super) listeners: Listeners,
    pub(super) folder: PathBuf,
    pub(super) purpose: Purpose,
    /// What it is told, by environment variables.
    pub(super) settings: Vec<(String, Value)>,
}

impl Planned {
    /// Tells `command`, which starts the program, all that it is to know.
    pub(super) fn prepare(&self, command: &mut Command) {
        if self.purpose == Purpose::Test {
            without_settings(command);
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value.text())));
        command.current_dir(&self.folder);
    }

    pub(super) fn public_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.listeners.public)
    }

    pub(super) fn internal_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.listeners.internal)
    }
}

/// Keeps the settings in the environment of this process from the program that `command` starts.
pub(crate) fn without_settings(command: &mut Command) {
    let inherited = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    inherited.filter(|name| name.starts_with("ASHLAR__")).for_each(|name| {
        command.env_remove(name);
    });
}

/// The shape's programs, the monolith first.
pub(super) fn plan(binaries: &Binaries, launch: &Launch) -> Result<Vec<Planned>> {
    let extracted: BTreeSet<String> = binaries.services.keys().cloned().collect();
    let kept = binaries.modules.difference(&extracted).cloned().collect();
    let monolith = (MONOLITH.to_owned(), binaries.monolith.clone(), kept);
    let services = binaries.services.iter().map(|(module, binary)| {
        (service_name(module), binary.clone(), BTreeSet::from([module.clone()]))
    });
    let mut planned = Vec::new();
    for (name, binary, modules) in [monolith].into_iter().chain(services) {
        let replicas = launch.replicas_of.get(&name).copied().unwrap_or(launch.replicas);
        for replica in 1..=replicas.max(1) {
            planned.push(Planned {
                name: if replica == 1 { name.clone() } else { format!("{name}#{replica}") },
                binary: binary.clone(),
                modules: modules.clone(),
                listeners: launch.ports.of_program(planned.len())?,
                folder: launch.folder.clone(),
                purpose: launch.purpose,
                settings: Vec::new(),
            });
        }
    }
    let told: Result<Vec<_>> =
        planned.iter().map(|program| settings(program, &planned, launch)).collect();
    for (program, settings) in planned.iter_mut().zip(told?) {
        program.settings = settings;
    }
    Ok(planned)
}

/// Limits are at work in tests too, where thousands of people share an address and a tenant may ask
/// all it can: wide enough for what this machine can do.
const WIDE_LIMITS: [(&str, &str); 8] = [
    ("ASHLAR__LIMITS__COSTLY__BURST", "1000000"),
    ("ASHLAR__LIMITS__COSTLY__PER_MINUTE", "6000000"),
    ("ASHLAR__LIMITS__GUESSABLE__BURST", "1000000"),
    ("ASHLAR__LIMITS__GUESSABLE__PER_MINUTE", "6000000"),
    ("ASHLAR__LIMITS__TOKEN__BURST", "1000000"),
    ("ASHLAR__LIMITS__TOKEN__PER_MINUTE", "6000000"),
    ("ASHLAR__LIMITS__TENANT__BURST", "1000000"),
    ("ASHLAR__LIMITS__TENANT__PER_MINUTE", "6000000"),
];

fn settings(program: &Planned, all: &[Planned], launch: &Launch) -> Result<Vec<(String, Value)>> {
    let mut settings = vec![
        ("ASHLAR__PROFILE", launch.purpose.profile().to_owned()),
        ("ASHLAR__PUBLIC__BIND", format!("127.0.0.1:{}", program.listeners.public)),
        ("ASHLAR__INTERNAL__BIND", format!("127.0.0.1:{}", program.listeners.internal)),
    ];
    // The public origin stays one in every shape: links in mails lead to the monolith.
    settings.extend(all.first().map(|monolith| ("ASHLAR__PUBLIC__ORIGIN", monolith.public_url())));
    settings.extend(data_settings(program, &launch.data));
    if program.name.split('#').next() != Some(MONOLITH) {
        // Requests come by way of the monolith, which says whose they are.
        settings.push(("ASHLAR__PUBLIC__TRUSTED_HOPS", "1".to_owned()));
        settings.push(("ASHLAR__PUBLIC__TRUSTED_PROXIES", "[\"127.0.0.1\"]".to_owned()));
    }
    if launch.purpose == Purpose::Test {
        settings.extend(WIDE_LIMITS.map(|(name, value)| (name, value.to_owned())));
    }
    let mut settings: Vec<_> = settings
        .into_iter()
        .map(|(name, value)| (name, Value::Plain(value)))
        .chain(launch.engine.settings()?)
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let elsewhere: BTreeSet<&String> = all.iter().flat_map(|other| &other.modules).collect();
    for module in elsewhere.into_iter().filter(|module| !program.modules.contains(*module)) {
        let section = format!("ASHLAR__MODULES__{}", module_name(module).to_uppercase());
        let owners: Vec<&Planned> =
            all.iter().filter(|other| other.modules.contains(module)).collect();
        let detour = |owner: &Planned| {
            launch.detours.iter().find(|it| it.from == program.name && it.to == owner.name)
        };
        let list = |url: fn(&Planned) -> String, around: fn(&Detour) -> String| {
            let url = |owner: &&Planned| detour(owner).map_or_else(|| url(owner), around);
            let urls: Vec<String> = owners.iter().map(url).collect();
            Value::Plain(format!("{urls:?}"))
        };
        let internal = list(Planned::internal_url, |detour| detour.internal_url.clone());
        settings.push((format!("{section}__URLS"), internal));
        let public = list(Planned::public_url, |detour| detour.public_url.clone());
        settings.push((format!("{section}__PUBLIC_URLS"), public));
    }
    let more = launch.settings.iter();
    settings.extend(more.map(|(name, value)| (name.clone(), Value::plain(value))));
    Ok(settings)
}

/// A service opens the module's file in place, unless the data were moved to its own directory.
/// Keys and the sandbox are shared in any case: the programs check each other's signatures.
fn data_settings(program: &Planned, data: &Path) -> Vec<(&'static str, String)> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let moved = program.modules.iter().find(|module| {
        program.name == service_name(module) && Place::in_monolith(data, module).is_closed()
    });
    let Some(module) = moved else { return vec![("ASHLAR__DATA__DIR", text(data))] };
    vec![
        ("ASHLAR__DATA__DIR", text(&Place::in_service(data, module).dir)),
        ("ASHLAR__DATA__KEYS_DIR", text(&data.join("keys"))),
        ("ASHLAR__DATA__SANDBOX_DIR", text(&data.join("sandbox"))),
    ]
}

impl Purpose {
    const fn profile(self) -> &'static str {
        match self {
            Self::Use => "local",
            Self::Test => "test",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tempfile::TempDir;

    use super::*;

    fn replicated(data: &Path, extracted: &[&str], replicas: usize) -> Vec<Planned> {
        let service = |module: &&str| ((*module).to_owned(), PathBuf::from(service_name(module)));
        let binaries = Binaries {
            monolith: PathBuf::from("monolith"),
            services: extracted.iter().map(service).collect(),
            modules: ["auth", "billing", "time-sheets"].map(str::to_owned).into(),
        };
        plan(&binaries, &Launch { replicas, ..Launch::for_test(data) }).expect("free ports")
    }

    fn planned(data: &Path, extracted: &[&str]) -> Vec<Planned> {
        replicated(data, extracted, 1)
    }

    fn told(program: &Planned) -> BTreeMap<&str, &str> {
        program.settings.iter().map(|(name, value)| (name.as_str(), value.text())).collect()
    }

    #[test]
    fn a_monolith_alone_knows_of_nobody() {
        let programs = planned(Path::new("/data"), &[]);
        assert_eq!(programs.len(), 1);
        let told = told(&programs[0]);
        assert_eq!(told["ASHLAR__PROFILE"], "test");
        assert_eq!(told["ASHLAR__DATA__DIR"], "/data");
        assert!(told.keys().all(|name| !name.contains("MODULES")), "{told:?}");
    }

    #[test]
    fn every_program_knows_where_the_others_modules_are() {
        let programs = planned(Path::new("/data"), &["billing", "time-sheets"]);
        let [monolith, billing, sheets] = programs.as_slice() else { panic!("{programs:?}") };
        let url = |program: &Planned| format!("[\"{}\"]", program.internal_url());

        assert_eq!(told(monolith)["ASHLAR__MODULES__BILLING__URLS"], url(billing));
        assert_eq!(told(monolith)["ASHLAR__MODULES__TIME_SHEETS__URLS"], url(sheets));
        assert!(!told(monolith).contains_key("ASHLAR__MODULES__AUTH__URLS"));
        let public = format!("[\"{}\"]", billing.public_url());
        assert_eq!(told(monolith)["ASHLAR__MODULES__BILLING__PUBLIC_URLS"], public);

        assert_eq!(told(billing)["ASHLAR__MODULES__AUTH__URLS"], url(monolith));
        assert_eq!(told(billing)["ASHLAR__MODULES__TIME_SHEETS__URLS"], url(sheets));
        assert!(!told(billing).contains_key("ASHLAR__MODULES__BILLING__URLS"));
        assert_eq!(told(billing)["ASHLAR__PUBLIC__ORIGIN"], monolith.public_url());
    }

    #[test]
    fn a_detour_is_one_program_s_alone() {
        let service = ("billing".to_owned(), PathBuf::from("billing-service"));
        let binaries = Binaries {
            monolith: PathBuf::from("monolith"),
            services: BTreeMap::from([service]),
            modules: ["auth", "billing"].map(str::to_owned).into(),
        };
        let detour = Detour {
            from: "monolith".to_owned(),
            to: "billing-service".to_owned(),
            public_url: "http://127.0.0.1:1".to_owned(),
            internal_url: "http://127.0.0.1:2".to_owned(),
        };
        let launch = Launch { detours: vec![detour], ..Launch::for_test(Path::new("/data")) };
        let programs = plan(&binaries, &launch).expect("there are free ports");
        let [monolith, billing] = programs.as_slice() else { panic!("{programs:?}") };
        assert_eq!(told(monolith)["ASHLAR__MODULES__BILLING__URLS"], "[\"http://127.0.0.1:2\"]");
        let public = told(monolith)["ASHLAR__MODULES__BILLING__PUBLIC_URLS"];
        assert_eq!(public, "[\"http://127.0.0.1:1\"]");
        let direct = format!("[\"{}\"]", monolith.internal_url());
        assert_eq!(told(billing)["ASHLAR__MODULES__AUTH__URLS"], direct);
    }

    #[test]
    fn replicas_share_the_work_and_not_their_addresses() {
        let programs = replicated(Path::new("/data"), &["billing"], 2);
        let [monolith, second, billing, other] = programs.as_slice() else {
            panic!("{programs:?}")
        };
        assert_eq!(
            (second.name.as_str(), other.name.as_str()),
            ("monolith#2", "billing-service#2")
        );
        let both = format!("[\"{}\", \"{}\"]", billing.internal_url(), other.internal_url());
        for program in [monolith, second] {
            assert_eq!(told(program)["ASHLAR__MODULES__BILLING__URLS"], both);
            assert!(!told(program).contains_key("ASHLAR__MODULES__AUTH__URLS"));
            assert_eq!(told(program)["ASHLAR__PUBLIC__ORIGIN"], monolith.public_url());
        }
        assert!(!told(other).contains_key("ASHLAR__MODULES__BILLING__URLS"));
        assert_ne!(told(billing)["ASHLAR__INTERNAL__BIND"], told(other)["ASHLAR__INTERNAL__BIND"]);
    }

    #[test]
    fn one_program_alone_may_have_replicas() {
        let service = ("billing".to_owned(), PathBuf::from("billing-service"));
        let binaries = Binaries {
            monolith: PathBuf::from("monolith"),
            services: BTreeMap::from([service]),
            modules: ["auth", "billing"].map(str::to_owned).into(),
        };
        let replicas_of = BTreeMap::from([("billing-service".to_owned(), 2)]);
        let launch = Launch { replicas_of, ..Launch::for_test(Path::new("/data")) };
        let programs = plan(&binaries, &launch).expect("there are free ports");
        let names: Vec<&str> = programs.iter().map(|program| program.name.as_str()).collect();
        assert_eq!(names, ["monolith", "billing-service", "billing-service#2"]);
    }

    #[test]
    fn a_service_works_where_its_data_are() {
        let data = TempDir::new().expect("a folder");
        let dir = |programs: &[Planned]| told(&programs[1])["ASHLAR__DATA__DIR"].to_owned();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        assert_eq!(dir(&planned(data.path(), &["billing"])), text(data.path()));

        std::fs::write(data.path().join("billing.moved"), "moved").expect("it can be written");
        let programs = planned(data.path(), &["billing"]);
        assert_eq!(dir(&programs), text(&data.path().join("billing-service")));
        let keys = told(&programs[1])["ASHLAR__DATA__KEYS_DIR"].to_owned();
        assert_eq!(keys, text(&data.path().join("keys")));
        assert_eq!(told(&programs[0])["ASHLAR__DATA__DIR"], text(data.path()));
    }
}
