//! The suite of the port.

use std::sync::Arc;

use sentry::{Envelope, protocol::Context};
use sentry_errors::SentryTracker;
use telemetry::{
    errors::{
        ErrorTracker,
        testing::{Arrived, TrackerBed, Values, error_tracker_contract},
    },
    metrics::testing::Gathered,
};
use tokio::runtime::Runtime;
use wiremock::{Request, ResponseTemplate};

use crate::support::{FOR_EVER, Tracker, connected, lost};

struct Bed<'t> {
    server: Tracker,
    tracker: Arc<SentryTracker>,
    runtime: &'t Runtime,
    gathered: &'t Gathered,
}

impl<'t> Bed<'t> {
    fn new(runtime: &'t Runtime, gathered: &'t Gathered) -> Self {
        runtime.block_on(async {
            let server = Tracker::closed(vec![ResponseTemplate::new(200)]).await;
            let tracker = connected(&server.dsn(), FOR_EVER);
            Self { server, tracker, runtime, gathered }
        })
    }
}

impl TrackerBed for Bed<'_> {
    fn tracker(&self) -> Arc<dyn ErrorTracker> {
        self.tracker.clone()
    }

    fn end(&self) -> Vec<Arrived> {
        self.server.open();
        self.tracker.shut_down(FOR_EVER);
        self.runtime.block_on(self.server.requests()).iter().map(arrived).collect()
    }

    fn lost(&self) -> u64 {
        lost(self.gathered)
    }
}

/// A request as the owner's library reads it.
fn arrived(request: &Request) -> Arrived {
    let envelope = Envelope::from_slice(&request.body).expect("what the protocol says");
    let event = envelope.event().expect("an event");
    let tag = |name: &str| event.tags.get(name).cloned().unwrap_or_default();
    let release = event.release.as_deref().and_then(|release| release.split_once('@'));
    let trace = event.contexts.get("trace").map(|context| {
        let Context::Trace(trace) = context else { panic!("{context:?}") };
        let trace_id = u128::from_str_radix(&trace.trace_id.to_string(), 16).expect("an id");
        let span_id = u64::from_str_radix(&trace.span_id.to_string(), 16).expect("an id");
        (trace_id, span_id)
    });
    // The protocol has the innermost first.
    let said = event.exception.values.iter().rev();
    Arrived {
        fingerprint: event.fingerprint.iter().map(|part| &**part).collect(),
        kind: tag("kind"),
        module: tag("module"),
        place: event.culprit.clone().unwrap_or_default(),
        program: tag("program"),
        release: release.map(|(_, version)| version.to_owned()).unwrap_or_default(),
        trace,
        at: event.timestamp,
        suppressed: tag("suppressed").parse().expect("a number"),
        said: said.map(|it| it.value.clone().unwrap_or_default()).collect(),
        whole: String::from_utf8(request.body.clone()).expect("UTF-8"),
    }
}

#[test]
fn keeps_the_contract_of_trackers() {
    let gathered = Gathered::begin();
    let runtime = Runtime::new().expect("a runtime");
    error_tracker_contract(|| Bed::new(&runtime, &gathered), Values::TakenOut);
}
