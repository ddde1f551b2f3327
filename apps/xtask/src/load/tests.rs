use std::collections::BTreeMap;

use load_report::model::{
    About, Build, Data, Ledger, Load, Machine, Operation, Part, Run, histogram,
};

use super::*;

fn campaign(operation: Operation, ledger: Ledger) -> Campaign {
    let unknown = || "unknown".to_owned();
    let (processor, system) = (unknown(), unknown());
    let about = About {
        commit: unknown(),
        started_at: unknown(),
        command: unknown(),
        build: Build::Unknown,
        seed: 1,
        engine: unknown(),
        machine: Machine { cores: 2, processor, memory: 0, system },
        data: Data::default(),
        caveats: Vec::new(),
        took_s: 0,
    };
    let run = Run {
        part: Part::Compare,
        shape: "monolith".to_owned(),
        variant: String::new(),
        repeat: 0,
        scenario: "one-read".to_owned(),
        load: Load::Open { rate: 10.0 },
        warm_up_s: 0.0,
        measured_s: 1.0,
        operations: BTreeMap::from([("GET /".to_owned(), operation)]),
        timeline: Vec::new(),
        processes: BTreeMap::new(),
        database: None,
        hop: None,
        prediction: None,
        generator: None,
        ledger,
    };
    Campaign { about, runs: vec![run], starts: Vec::new() }
}

fn done(intended: u64, done: u64) -> Operation {
    let mut latency = histogram::empty();
    latency.record_n(500, done).expect("it takes any time");
    let latency = histogram::write(&latency).expect("it is small");
    Operation {
        intended,
        done,
        finished: done,
        service: latency.clone(),
        latency,
        ..Operation::default()
    }
}

#[test]
fn a_sound_run_has_no_mistakes() {
    assert_eq!(mistakes(&campaign(done(10, 10), Ledger::default())), [""; 0]);
}

#[test]
fn what_cannot_be_is_a_mistake() {
    let faults = vec!["subscriptions: 1 told, 2 there".to_owned()];
    let books = Ledger { faults, ..Ledger::default() };
    let lost = mistakes(&campaign(done(10, 9), Ledger::default()));
    assert!(lost[0].ends_with("10 requests were meant and 9 are known of"), "{lost:?}");
    let unbalanced = mistakes(&campaign(done(10, 10), books));
    assert!(unbalanced[0].contains("the books: subscriptions"), "{unbalanced:?}");
    let nothing = mistakes(&campaign(done(0, 0), Ledger::default()));
    assert!(nothing[0].ends_with("nothing was done"), "{nothing:?}");
}
