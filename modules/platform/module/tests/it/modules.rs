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
use seam::{CallFailure, ModuleDescriptor};
use telemetry::errors::{ErrorKind, testing::Notebook};
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
async fn what_goes_wrong_in_a_sweep_is_told_as_its_modules() {
    let (notebook, _listening) = Notebook::listen();
    let store = TestStore::open::<Migrator>("greeting").await.expect("a store");
    let every = Duration::from_secs(60);
    let panics = async || -> Result<(), Infallible> { panic!("out of cheese") };
    let module = Module::new(GREETING, store.store())
        .sweeping(Sweep::new("greeting.forget", every, || async { Err("no good") }))
        .sweeping(Sweep::new("greeting.count", every, panics))
        .sweeping(Sweep::new("greeting.ask", every, || async {
            Err(CallFailure::unavailable("billing"))
        }));
    let [forget, count, ask] = &module.into_parts().sweeps[..] else { panic!("three sweeps") };
    forget.run_once().await.expect_err("it fails");
    let told = notebook.only();
    assert_eq!((told.kind, told.module), (ErrorKind::Error, "greeting"));
    assert_eq!((&*told.place, &*told.message), ("greeting.forget", "no good"));
    assert!(told.trace.is_some(), "{told:?}");

    let failed = count.run_once().await.expect_err("it panics");
    assert_eq!(failed.to_string(), "panicked: out of cheese");
    let told = notebook.only();
    assert_eq!((told.kind, told.module), (ErrorKind::Panic, "greeting"));

    ask.run_once().await.expect_err("it fails");
    assert_eq!(notebook.take(), [], "an outage is no fault");
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
