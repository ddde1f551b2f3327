//! What is counted of calls. The clock stands still and goes on only where somebody waits for it,
//! so that times are exact.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::CallContext;
use seam::{
    Answered, CallFailure, CallFigures, Counters, Loopback, Meter, OutgoingCall, Port, PortError,
    Repeat, Slot, StepFigures, Timing, Transport, WireFigures, port,
};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use utoipa::ToSchema;

use crate::counter::context;

/// How long the callee takes, how long its call waits there, and how long each way is.
const WORK: Duration = Duration::from_millis(7);
const QUEUE: Duration = Duration::from_millis(2);
const WAY: Duration = Duration::from_millis(5);

#[port(service = "oven", version = 4)]
trait OvenApi {
    /// Says what it was given, done.
    #[call(read)]
    async fn bake(&self, ctx: &CallContext, dough: String) -> Result<String, OvenError>;

    #[call(read)]
    async fn heat(&self, ctx: &CallContext) -> Result<(), OvenError>;
}

#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error, PortError, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum OvenError {
    #[error("it is burnt")]
    Burnt,
    #[error(transparent)]
    #[serde(skip)]
    Call(#[from] CallFailure),
}

struct Oven;

#[async_trait]
impl OvenApi for Oven {
    async fn bake(&self, _: &CallContext, dough: String) -> Result<String, OvenError> {
        sleep(WORK).await;
        match dough.as_str() {
            "coal" => Err(OvenError::Burnt),
            "stone" => Err(CallFailure::unavailable("oven").into()),
            _ => Ok(dough),
        }
    }

    async fn heat(&self, _: &CallContext) -> Result<(), OvenError> {
        Ok(())
    }
}

/// A callee that is far away, and whose word is what `tells` makes of it.
struct Far {
    near: Loopback,
    tells: fn(Timing) -> Option<Timing>,
}

#[async_trait]
impl Transport for Far {
    fn service(&self) -> &str {
        self.near.service()
    }

    fn name(&self) -> &'static str {
        "far"
    }

    async fn send(&self, call: OutgoingCall<'_>) -> Answered {
        sleep(WAY + QUEUE).await;
        let near = self.near.send(call).await;
        sleep(WAY).await;
        let told = near.callee.map(|timing| Timing { queue: QUEUE, ..timing });
        Answered { callee: told.and_then(self.tells), retries: 1, ..near }
    }
}

fn oven() -> Slot<dyn OvenApi> {
    Slot::filled(Arc::new(Oven))
}

fn counters(meter: &Meter, transport: &'static str, caller: &str) -> Counters {
    meter.over(transport, caller, "oven", <dyn OvenApi>::descriptor())
}

fn direct(meter: &Meter, caller: &str) -> Arc<dyn OvenApi> {
    let counters = meter.direct(caller, "oven", <dyn OvenApi>::descriptor());
    <dyn OvenApi>::direct_counted(oven(), counters)
}

fn far(meter: &Meter, tells: fn(Timing) -> Option<Timing>) -> Arc<dyn OvenApi> {
    let near = Loopback::new("oven", <dyn OvenApi>::server(oven()), Repeat::Never);
    let far = Arc::new(Far { near, tells });
    <dyn OvenApi>::remote_counted(far, counters(meter, "far", "baker"))
}

/// What was counted of the only method that was called.
fn only(meter: &Meter) -> CallFigures {
    let read = meter.read();
    assert_eq!(read.len(), 1, "{read:?}");
    read.into_iter().next().expect("there is one")
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("it is short")
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_call_are_told_apart_and_add_up() {
    let meter = Meter::new();
    let client = far(&meter, Some);
    for _ in 0..3 {
        assert_eq!(client.bake(&context(), "bread".to_owned()).await.as_deref(), Ok("bread"));
    }
    let steps = StepFigures {
        network: 3 * nanos(2 * WAY),
        queue: 3 * nanos(QUEUE),
        handle: 3 * nanos(WORK),
        // To write a word takes no time on a clock that stands still.
        ..StepFigures::default()
    };
    let expected = CallFigures {
        caller: "baker".to_owned(),
        service: "oven".to_owned(),
        port: "OvenApi".to_owned(),
        version: 4,
        method: "bake".to_owned(),
        transport: "far".to_owned(),
        calls: 3,
        failures: 0,
        retries: 3,
        request_bytes: 3 * "\"bread\"".len() as u64,
        response_bytes: 3 * "\"bread\"".len() as u64,
        timed: 3,
        untold: 0,
        total_ns: steps.network + steps.queue + steps.handle,
        steps_ns: Some(steps),
        as_wire: None,
    };
    assert_eq!(only(&meter), expected);
}

#[tokio::test(start_paused = true)]
async fn what_a_callee_does_not_tell_or_cannot_mean_is_on_the_way() {
    let tells: [fn(Timing) -> Option<Timing>; 3] = [
        |_| None,
        |timing| Some(Timing { handle: Duration::from_secs(60), ..timing }),
        |timing| Some(Timing { queue: Duration::MAX, ..timing }),
    ];
    for tells in tells {
        let meter = Meter::new();
        far(&meter, tells).bake(&context(), "bread".to_owned()).await.expect("bread");
        let figures = only(&meter);
        let network = nanos(2 * WAY + QUEUE + WORK);
        assert_eq!((figures.untold, figures.total_ns), (1, network));
        let steps = StepFigures { network, ..StepFigures::default() };
        assert_eq!(figures.steps_ns, Some(steps));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer_and_a_failure_has_no_steps() {
    let meter = Meter::new();
    for client in [far(&meter, Some), direct(&meter, "baker")] {
        for (dough, failed) in [("coal", false), ("stone", true)] {
            let error = client.bake(&context(), dough.to_owned()).await.expect_err("no bread");
            assert_eq!(error.call_failure().is_some(), failed);
        }
    }
    let read = meter.read();
    let counted = |figures: &CallFigures| {
        (figures.transport.clone(), figures.calls, figures.failures, figures.timed)
    };
    let expected = [("direct".to_owned(), 2, 1, 1), ("far".to_owned(), 2, 1, 1)];
    assert_eq!(read.iter().map(counted).collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn direct_calls_are_all_counted_and_some_are_timed() {
    let meter = Meter::new();
    let client = direct(&meter, "baker");
    for _ in 0..33 {
        client.bake(&context(), "bread".to_owned()).await.expect("bread");
    }
    let figures = only(&meter);
    assert_eq!((figures.calls, figures.timed, figures.steps_ns), (33, 3, None));
    assert_eq!(figures.total_ns, 3 * nanos(WORK));
}

#[tokio::test(start_paused = true)]
async fn some_direct_calls_are_weighed_as_if_they_left_the_process() {
    let meter = Meter::new();
    let client = direct(&meter, "baker");
    for nth in 0..600_usize {
        let dough = if nth == 512 { "coal".to_owned() } else { "x".repeat(nth) };
        let _burnt_or_done = client.bake(&context(), dough).await;
    }
    let weighed = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256];
    let quotes = 2 * weighed.len();
    let bread = (weighed.into_iter().sum::<usize>() + quotes) as u64;
    let (coal, burnt) = ("\"coal\"".len() as u64, r#"{"type":"burnt"}"#.len() as u64);
    let expected = WireFigures {
        weighed: weighed.len() as u64 + 1,
        request_bytes: bread + coal,
        response_bytes: bread + burnt,
        serialize_ns: 0,
    };
    assert_eq!(only(&meter).as_wire, Some(expected));
}

#[tokio::test]
async fn a_call_without_an_answer_weighs_nothing_and_the_clock_that_weighs_goes() {
    let meter = Meter::new();
    let client = direct(&meter, "baker");
    client.bake(&context(), "stone".to_owned()).await.expect_err("no oven");
    assert_eq!(only(&meter).as_wire, Some(WireFigures::default()));
    client.bake(&context(), "bread".to_owned()).await.expect("bread");
    let wire = only(&meter).as_wire.expect("it is direct");
    assert!(wire.weighed == 1 && wire.serialize_ns > 0, "{wire:?}");
}

#[tokio::test]
async fn callers_and_methods_are_kept_apart_and_clients_of_one_caller_are_not() {
    let meter = Meter::new();
    for caller in ["baker", "cook", "baker"] {
        let client = direct(&meter, caller);
        client.heat(&context()).await.expect("hot");
    }
    direct(&meter, "baker").bake(&context(), "bread".to_owned()).await.expect("bread");
    let read = meter.read();
    let counted: Vec<_> =
        read.iter().map(|it| (it.caller.as_str(), it.method.as_str(), it.calls)).collect();
    assert_eq!(counted, [("baker", "bake", 1), ("baker", "heat", 2), ("cook", "heat", 1)]);
}

#[tokio::test]
async fn there_are_no_more_lanes_than_memory_is_meant_for() {
    let meter = Meter::new();
    let callers = 2 * Meter::MOST_LANES;
    for caller in 0..callers {
        direct(&meter, &caller.to_string()).heat(&context()).await.expect("hot");
    }
    let read = meter.read();
    assert!(read.len() <= Meter::MOST_LANES + 1, "{}", read.len());
    assert_eq!(read.iter().map(|figures| figures.calls).sum::<u64>(), callers as u64);
    let other = read.iter().find(|figures| figures.caller == "other").expect("the rest");
    assert!(other.calls > 1 && other.method == "other", "{other:?}");
}

#[tokio::test]
async fn a_client_that_is_not_counted_works_as_well() {
    let client = <dyn OvenApi>::direct_counted(oven(), Counters::none());
    client.heat(&context()).await.expect("hot");
    let near = Loopback::new("oven", <dyn OvenApi>::server(oven()), Repeat::Never);
    <dyn OvenApi>::remote(Arc::new(near)).heat(&context()).await.expect("hot");
}
