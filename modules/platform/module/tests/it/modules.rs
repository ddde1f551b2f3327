//! What a module hands over.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use module::{Module, Ports, Sweep};
use seam::ModuleDescriptor;
use testing::TestStore;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    events_between::Migrator,
    greeting::{GreetingApi, Polite, greeted},
};

const GREETING: ModuleDescriptor =
    ModuleDescriptor { name: "greeting", public_prefixes: &["/v1/greeting"], consumes: &[] };

#[tokio::test]
async fn a_module_is_taken_over_part_by_part() {
    let store = TestStore::open::<Migrator>("greeting").await.expect("a store");
    let every = Duration::from_secs(60);
    let module = Module::new(GREETING, store.store())
        .serving::<dyn GreetingApi>(Arc::new(Polite::default()))
        .routes(|config| {
            config.map(|config| {
                config.route("/v1/greeting", actix_web::web::get().to(|| async { "Good day." }))
            });
        })
        .sweeping(Sweep::new("greetings", every, || async { Ok::<_, Infallible>(()) }));
    let ports = Ports::new([]);
    module.provide(&ports).expect("the only module");
    assert!(module.provide(&ports).is_err());
    assert_eq!(module.descriptor(), &GREETING);
    assert_eq!(module.store().module(), "greeting");
    assert_eq!(greeted(&ports.client()).await.as_deref(), Ok("Good day, Ada."));
    let parts = module.into_parts();
    assert_eq!((parts.routes.len(), parts.consumers.len()), (1, 0));
    assert_eq!(parts.sweeps[0].name, "greetings");
}

#[tokio::test]
async fn a_sweep_runs_again_after_a_failure_and_ends_when_told() {
    let (runs, ran) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
    let sweep = {
        let (runs, ran) = (Arc::clone(&runs), Arc::clone(&ran));
        Sweep::new("failing", Duration::from_millis(1), move || {
            runs.fetch_add(1, Ordering::Relaxed);
            ran.add_permits(1);
            async { Err::<(), _>("no good") }
        })
    };
    assert_eq!(sweep.run_once().await.expect_err("it fails").to_string(), "no good");
    let stop = CancellationToken::new();
    let running = tokio::spawn(sweep.run(stop.clone()));
    let four = tokio::time::timeout(Duration::from_secs(20), ran.acquire_many(4)).await;
    four.expect("in time").expect("open").forget();
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(20), running).await.expect("in time").expect("ends");
    assert!(runs.load(Ordering::Relaxed) >= 4);
}
