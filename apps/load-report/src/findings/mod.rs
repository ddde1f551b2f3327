//! What the figures say, in plain sentences.
//!
//! Each sentence is computed. What was not measured is said to be so, and a difference whose interval
//! contains zero, or that two runs of one shape differ by as well, is said to be within noise.

mod limits;
mod machine;
mod shapes;
mod trust;

use serde::Serialize;

use crate::statistics::Statistics;

/// What a campaign says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// What must be known before any figure is believed: books that do not balance, figures that
    /// cannot be read. Each is a sentence.
    pub alarms: Vec<String>,
    /// The rest, what matters most first.
    pub sentences: Vec<Sentence>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// What it is about, in a word or two.
    pub topic: &'static str,
    /// A plain sentence.
    pub text: String,
}

impl Sentence {
    const fn new(topic: &'static str, text: String) -> Self {
        Self { topic, text }
    }
}

/// What the campaign says.
#[must_use]
pub fn findings(statistics: &Statistics<'_>) -> Findings {
    let mut alarms = Vec::from_iter(machine::unoptimised(statistics));
    alarms.extend(trust::faults(statistics));
    alarms.extend(trust::unreadable(statistics));
    alarms.extend(trust::unaccounted(statistics));
    alarms.extend(trust::failures(statistics));
    alarms.extend(machine::turns(statistics));
    let mut sentences = shapes::compared(statistics);
    sentences.extend(machine::hops(statistics));
    sentences.extend(limits::knees(statistics));
    sentences.extend(shapes::noisy_neighbour(statistics));
    sentences.extend(shapes::scaling(statistics));
    sentences.extend(limits::overload(statistics));
    sentences.extend(trust::balanced(statistics));
    sentences.extend(trust::errors(statistics));
    sentences.extend(machine::generator(statistics));
    sentences.extend(machine::remarks(statistics));
    sentences.extend(trust::repeats(statistics));
    sentences.extend(trust::not_measured(statistics));
    Findings { alarms, sentences }
}
