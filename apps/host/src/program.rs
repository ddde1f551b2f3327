//! A program: its modules, connected; from configuration to the start.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use events::{EngineSettings, EventEngine};
use kernel::{Clock, Ids, RandomIds, SystemClock};
use module::{Module, Placement, Ports};
use remote::{HttpClient, HttpTransport, Remote};
use seam::Repeat;
use tokio::{runtime::Handle, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Mount, Running, Site,
    access::AuthKeys,
    bus::Bus,
    catalogue,
    config::{Config, Layers, LocalCalls, Mistakes, Section, StoreEngine},
    health::Health,
    keys::{self, Keys},
    limits::Commons,
    observers::Observers,
    ops::Ops,
    serve::{self, Listeners},
    telemetry::{self, Telemetry},
};

/// The `iss` of access tokens: the same in every program that issues or verifies them.
pub const TOKEN_ISSUER: &str = "ashlar-auth";

/// A program and the modules that it contains.
pub struct Program {
    name: &'static str,
    mounts: Vec<Box<dyn Mount>>,
    config: Config,
    home: Option<&'static str>,
    clock: Arc<dyn Clock>,
    telemetry: Option<Telemetry>,
}

impl Program {
    /// A program without modules.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            mounts: Vec::new(),
            config: Config::default(),
            home: None,
            clock: Arc::new(SystemClock),
            telemetry: None,
        }
    }

    /// Adds a module. Where the configuration says that it runs elsewhere, it is not started.
    #[must_use]
    pub fn module(mut self, mount: impl Mount + 'static) -> Self {
        self.mounts.push(Box::new(mount));
        self
    }

    /// Adds the module whose own program this is. It runs here whatever the configuration says of
    /// where others find it, so that one file can serve all programs of a shape.
    #[must_use]
    pub fn home_of(mut self, mount: impl Mount + 'static) -> Self {
        self.home = Some(mount.descriptor().name);
        self.module(mount)
    }

    /// Reads and checks the whole configuration.
    ///
    /// # Errors
    /// Every mistake in it, at once.
    pub fn configured(
        mut self,
        mut layers: Layers,
        mut mistakes: Mistakes,
    ) -> Result<Self, Mistakes> {
        let linked: Vec<_> = self.mounts.iter().map(|mount| mount.descriptor().name).collect();
        self.config = Config::read(&mut layers, &catalogue::names(), &linked, &mut mistakes);
        if let Some(home) = self.home {
            self.config.modules.remove(home);
        }
        telemetry::check(&self.config, &mut mistakes);
        self.mounts.retain(|mount| !self.config.modules.contains_key(mount.descriptor().name));
        for mount in &mut self.mounts {
            let name = mount.descriptor().name;
            let mut section = Section::new(name, &mut layers, &mut mistakes);
            mount.configure(&self.config, &mut section);
        }
        #[cfg(feature = "failpoints")]
        {
            let section = Section::new("failpoints", &mut layers, &mut mistakes);
            self.clock = crate::failpoints::configure(section, self.name);
        }
        for unknown in layers.left() {
            // One file may serve all programs of a shape: the section of a module that runs
            // elsewhere is read there.
            let known = [&catalogue::names(), catalogue::PROVIDERS].concat();
            if !known.contains(&unknown.as_str()) {
                mistakes.add(unknown, "there is no such section");
            }
        }
        let local: Vec<_> = self.mounts.iter().map(|mount| mount.descriptor().name).collect();
        self.config.check_stores(&local, &mut mistakes);
        self.check_keys(&mut mistakes);
        mistakes.into_result()?;
        Ok(self)
    }

    /// Where keys are given and never made, all must be there.
    fn check_keys(&self, mistakes: &mut Mistakes) {
        let of_modules = self.mounts.iter().flat_map(|mount| mount.keys());
        let mut files: BTreeSet<String> = of_modules.map(|&file| file.to_owned()).collect();
        files.insert(keys::own_key(self.name));
        for file in files {
            if let Err(missing) = keys::given(&self.config, &file) {
                mistakes.add("data.keys_dir", missing);
            }
        }
    }

    /// The program's name, the same for all of its replicas.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Lets operators see what becomes of traces, and change what is logged.
    pub(crate) fn telling(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = Some(telemetry);
        self
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The modules that run here.
    pub(crate) fn mounts(&self) -> impl Iterator<Item = &dyn Mount> {
        self.mounts.iter().map(|mount| &**mount)
    }

    /// Mounts the modules, starts the listeners and the event engines.
    ///
    /// # Errors
    /// Keys, data or an address that cannot be had.
    pub async fn start(self) -> anyhow::Result<Running> {
        let (name, telemetry) = (self.name, self.telemetry.clone());
        let (site, modules) = self.mount().await?;
        let Site { config, keys, ports, client, clock, commons, .. } = site;

        ports.meter().tell();
        let stop = CancellationToken::new();
        let fed = CancellationToken::new();
        let bus = Bus::of(&config, &ports, name)?;
        let (mut engines, mut feeds) = (JoinSet::new(), JoinSet::new());
        let mut by_module = BTreeMap::new();
        let mut stores = Vec::new();
        let mut routes = Vec::new();
        for module in modules {
            let module = module.into_parts();
            let name = module.descriptor.name;
            let engine = EventEngine::new(
                module.store.clone(),
                module.consumers,
                bus.publisher(),
                engine_settings(&config),
            );
            ports.provide_inbox(name, engine.inbox())?;
            by_module.insert(name, Arc::clone(&engine));
            if let Some(feed) = bus.feed() {
                let (inbox, fed) = (engine.inbox(), fed.clone());
                feeds.spawn(async move { feed.feed(name, inbox, fed).await });
            }
            engines.spawn(engine.run(stop.clone()));
            for sweep in module.sweeps {
                engines.spawn(sweep.run(stop.clone()));
            }
            routes.extend(module.routes);
            stores.push((name, module.store));
        }

        ::telemetry::errors::begin(by_module.keys().copied());
        let health = Arc::new(Health::new(&stores, &config, bus.broker().cloned()));
        let auth = ports.called_by(name).client();
        let verifier = AuthKeys::new(auth, name, TOKEN_ISSUER, Arc::clone(&clock));
        let observers = Observers::of(name, &config, &ports, &stores, telemetry.as_ref());
        observers.watch(&mut engines, &stop);
        let Observers { started, traffic, advisor, rates } = observers;
        let listeners = Listeners::bind(serve::Parts {
            program: name,
            config: &config,
            rates,
            trust: keys.trust,
            routes,
            served: ports.served(),
            verifier: Arc::new(verifier),
            health: Arc::clone(&health),
            ops: Ops {
                engines: by_module,
                broker: bus.broker().cloned(),
                limits: commons.limits(&config, Arc::clone(&clock))?,
                ports,
                traffic,
                started,
                advisor,
                hops: telemetry.is_some().then(Arc::default),
                telemetry,
                operator_token: config.internal.operator_token.clone(),
                metrics: config.metrics_access(),
            },
            client,
            clock,
        })?;
        Ok(Running { name, config, listeners, feeds, fed, engines, stop, health, stores })
    }

    async fn mount(self) -> anyhow::Result<(Site, Vec<Module>)> {
        let clock = Arc::clone(&self.clock);
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let here: Vec<_> = self.mounts().map(|mount| mount.descriptor().name).collect();
        let keys = Keys::load(&self.config, self.name, &here, Arc::clone(&clock))?;
        let client = HttpClient::new(Handle::current())?;
        let ports = self.ports(&keys, &client)?;
        let commons = Commons::of(&self.config)?;
        let cache = commons.cache();
        let mut site =
            Site { config: self.config, keys, ports, client, clock, ids, commons, cache };
        let mut modules = Vec::new();
        for mount in &self.mounts {
            site.ports = site.ports.called_by(mount.descriptor().name);
            let module = mount.mount(&site).await?;
            module.provide(&site.ports)?;
            modules.push(module);
        }
        Ok((site, modules))
    }

    /// Says for every module whether calls to it stay in this process.
    fn ports(&self, keys: &Keys, client: &HttpClient) -> anyhow::Result<Ports> {
        let local = match self.config.seam.local {
            LocalCalls::Direct => Placement::Direct,
            LocalCalls::Loopback => Placement::Loopback(Repeat::EverySecond),
        };
        let here =
            self.mounts.iter().map(|mount| (mount.descriptor().name.to_owned(), local.clone()));
        let mut placements: Vec<_> = here.collect();
        for (name, elsewhere) in &self.config.modules {
            let remote = Remote { service: name.clone(), urls: elsewhere.urls.clone() };
            let transport =
                HttpTransport::new(remote, client.clone(), Arc::clone(&keys.hop_signer))?;
            placements.push((name.clone(), Placement::Remote(Arc::new(transport))));
        }
        Ok(Ports::new(placements))
    }
}

/// What this process writes wakes its engines. What other replicas wrote and left, and what falls
/// due, is looked for: in a file of one's own there are no others.
fn engine_settings(config: &Config) -> EngineSettings {
    match config.store.engine() {
        StoreEngine::Sqlite => EngineSettings::default(),
        StoreEngine::Postgres => {
            EngineSettings { poll: Duration::from_millis(200), ..EngineSettings::default() }
        }
    }
}
