//! The contract suite of [`ErrorTracker`], run over every implementation of it.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, SystemTime},
};

use kernel::TraceContext;

use crate::errors::{
    ErrorKind, ErrorReport, ErrorTracker, Fingerprint, MOST_OF_ALL, desk::Fault, shape,
};

/// A tracker under test, and where its reports arrive. Until its end none can: what takes them there
/// stands still.
pub trait TrackerBed {
    /// The tracker.
    fn tracker(&self) -> Arc<dyn ErrorTracker>;

    /// Lets arrive what the tracker took, ends it as a program does that ends, and says what has
    /// arrived.
    fn end(&self) -> Vec<Arrived>;

    /// How many reports this process has counted as lost so far, for whichever reason.
    fn lost(&self) -> u64;
}

/// A report that arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    /// As text.
    pub fingerprint: String,
    /// As [`ErrorKind::name`] has it.
    pub kind: String,
    /// Whose code.
    pub module: String,
    /// Where.
    pub place: String,
    /// The program.
    pub program: String,
    /// Its version.
    pub release: String,
    /// The ids of the trace and of the span.
    pub trace: Option<(u128, u64)>,
    /// When.
    pub at: SystemTime,
    /// How many alike were not told before.
    pub suppressed: u64,
    /// The message, and what caused it, the nearest first.
    pub said: Vec<String>,
    /// All of it, as it came.
    pub whole: String,
}

impl From<&ErrorReport> for Arrived {
    fn from(report: &ErrorReport) -> Self {
        Self {
            fingerprint: report.fingerprint.to_string(),
            kind: report.kind.name().to_owned(),
            module: report.module.to_owned(),
            place: report.place.clone(),
            program: report.program.to_owned(),
            release: report.release.to_owned(),
            trace: report.trace.map(|trace| (trace.trace_id, trace.span_id)),
            at: report.at,
            suppressed: report.suppressed,
            said: [&report.message].into_iter().chain(&report.causes).cloned().collect(),
            whole: format!("{report:?}"),
        }
    }
}

/// What a tracker does with the values in what a fault says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// It keeps them: its reports stay in the house.
    Kept,
    /// It takes them out: its reports leave the house.
    TakenOut,
}

/// Checks what [`ErrorTracker`] promises. Each check has a `bed` of its own.
///
/// # Panics
/// On the first promise that is broken.
pub fn error_tracker_contract<B: TrackerBed>(bed: impl Fn() -> B, values: Values) {
    a_report_arrives_as_it_was_told(&bed(), values);
    faults_that_are_alike_arrive_as_one(&bed());
    whatever_a_fault_says_arrives(&bed(), values);
    if values == Values::TakenOut {
        no_value_of_a_message_leaves_the_house(&bed());
    }
    nobody_waits_and_what_has_no_room_is_counted(&bed());
    the_end_of_a_tracker_harms_nobody(&bed());
}

/// How long whoever tells a fault may be held up before it is taken for waiting. Only the broken come
/// near it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many tell faults at once, and how many each: together more than any tracker has room for.
const TELLERS: u32 = 8;
const EACH: u32 = 2 * MOST_OF_ALL;

fn fault() -> Fault {
    Fault {
        kind: ErrorKind::Error,
        module: "billing",
        message: "charge 17 of `ada@example.com` cannot be settled".to_owned(),
        causes: vec!["the database of billing failed".to_owned(), "the disk is full".to_owned()],
        place: "POST /v1/billing/subscriptions".to_owned(),
    }
}

fn report(fault: Fault) -> ErrorReport {
    let fingerprint = Fingerprint::of(&fault);
    let Fault { kind, module, message, causes, place } = fault;
    let trace = TraceContext {
        trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
        span_id: 0x00f0_67aa_0ba9_02b7,
        sampled: true,
    };
    ErrorReport {
        kind,
        message,
        causes,
        place,
        module,
        trace: Some(trace),
        fingerprint,
        at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
        program: "monolith",
        release: "1.2.3",
        suppressed: 3,
    }
}

/// Tells these, and checks that they arrive, each once.
fn check_arrive(bed: &impl TrackerBed, values: Values, reports: &[ErrorReport]) {
    for report in reports {
        bed.tracker().report(report.clone());
    }
    let mut arrived = bed.end();
    assert_eq!(arrived.len(), reports.len(), "{arrived:#?}");
    for report in reports {
        let mut expected = Arrived::from(report);
        if values == Values::TakenOut {
            expected.said = expected.said.iter().map(|text| shape(text)).collect();
        }
        let is_it = |it: &Arrived| it.fingerprint == expected.fingerprint;
        let found = arrived.iter().position(is_it).map(|at| arrived.swap_remove(at));
        let found = found.unwrap_or_else(|| panic!("{expected:#?} is not among {arrived:#?}"));
        assert_eq!(
            Arrived { whole: String::new(), ..found },
            Arrived { whole: String::new(), ..expected }
        );
    }
}

fn a_report_arrives_as_it_was_told(bed: &impl TrackerBed, values: Values) {
    let panic = report(Fault { kind: ErrorKind::Panic, causes: Vec::new(), ..fault() });
    let in_no_trace = ErrorReport { trace: None, suppressed: 0, ..panic };
    check_arrive(bed, values, &[report(fault()), in_no_trace]);
}

fn faults_that_are_alike_arrive_as_one(bed: &impl TrackerBed) {
    let message = "charge 4711 of `grace@example.com` cannot be settled".to_owned();
    let elsewhere = "GET /v1/billing/invoices".to_owned();
    for fault in [fault(), Fault { message, ..fault() }, Fault { place: elsewhere, ..fault() }] {
        bed.tracker().report(report(fault));
    }
    let mut arrived: Vec<String> = bed.end().into_iter().map(|it| it.fingerprint).collect();
    assert_eq!(arrived.len(), 3, "{arrived:?}");
    arrived.sort_unstable();
    arrived.dedup();
    assert_eq!(arrived.len(), 2, "two of them are alike: {arrived:?}");
}

/// Nothing, as much as there may be, and what is hard to write down.
fn whatever_a_fault_says_arrives(bed: &impl TrackerBed, values: Values) {
    let longest = "ü".repeat(512);
    let faults = [
        Fault { message: String::new(), causes: Vec::new(), ..fault() },
        Fault { message: longest.clone(), causes: vec![longest; 8], ..fault() },
        Fault { message: r#"\u{1b}[2J\r\n {"a": "🦀 and nobody clos"#.to_owned(), ..fault() },
    ];
    check_arrive(bed, values, &faults.map(report));
}

/// Whoever operates the tracker is not one of us.
fn no_value_of_a_message_leaves_the_house(bed: &impl TrackerBed) {
    let canaries = [
        "ada@example.com",
        "0190c6a4-0000-7000-8000-000000000001",
        "pm_card_visa_4242",
        "a password that nobody knows",
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "4711.50",
        "letmein",
    ];
    let [email, id, card, password, token, amount, key] = canaries;
    bed.tracker().report(report(Fault {
        message: format!("{email} paid {amount} by {card} for {id}: \"{password}\""),
        causes: vec![
            format!("GET https://provider.example/v1/charges?key={key}&for={email} failed"),
            format!("Bearer {token} was refused"),
            format!("Credentials {{ password: \"{password}\" }}, api_key={key}"),
        ],
        ..fault()
    }));
    let arrived = bed.end();
    let [Arrived { said, whole, .. }] = &arrived[..] else { panic!("one report: {arrived:#?}") };
    for canary in canaries {
        assert!(!whole.contains(canary), "{canary} is in {whole}");
    }
    assert_eq!(said[2], "Bearer # was refused", "what it is about is left");
}

fn nobody_waits_and_what_has_no_room_is_counted(bed: &impl TrackerBed) {
    let before = bed.lost();
    let (done, all_done) = mpsc::channel();
    for teller in 0..TELLERS {
        let (tracker, done) = (bed.tracker(), done.clone());
        // On its own, so that one that waits does not hold up the test too.
        thread::spawn(move || {
            for n in 0..EACH {
                tracker.report(report(Fault { place: format!("{teller}/{n}"), ..fault() }));
            }
            // Where the test has failed meanwhile, nobody listens.
            let _ = done.send(());
        });
    }
    drop(done);
    for _ in 0..TELLERS {
        all_done
            .recv_timeout(PATIENCE)
            .expect("nothing has arrived yet, and nobody waits for that");
    }
    let arrived = bed.end();
    let lost = bed.lost() - before;
    assert!(lost > 0, "it holds a bounded number");
    assert!(!arrived.is_empty(), "it holds some");
    let told = u64::from(TELLERS * EACH);
    assert_eq!(arrived.len() as u64 + lost, told, "what does not arrive is counted, once");
    let mut places: Vec<&String> = arrived.iter().map(|it| &it.place).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), arrived.len(), "nothing arrives twice");
}

/// What still works while a program ends may tell faults.
fn the_end_of_a_tracker_harms_nobody(bed: &impl TrackerBed) {
    assert_eq!(bed.end(), []);
    bed.tracker().report(report(fault()));
}
