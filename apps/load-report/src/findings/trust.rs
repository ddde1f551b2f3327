//! Whether the figures can be believed.

use crate::{
    format,
    model::{Part, Run, names},
    statistics::{Counts, Group, Statistics},
    words,
};

use super::Sentence;

/// Repeats from which on an interval is worth reading.
const FEWEST_REPEATS: usize = 5;
/// More than this share not done, outside the parts that ask for too much, is said loudly.
const MOST_NOT_DONE: f64 = 0.01;

/// Books that do not balance.
pub(super) fn faults(statistics: &Statistics<'_>) -> Option<String> {
    let runs = &statistics.campaign.runs;
    let faulty: Vec<&Run> = runs.iter().filter(|run| !run.ledger.faults.is_empty()).collect();
    let first = faulty.first()?;
    let faults: usize = faulty.iter().map(|run| run.ledger.faults.len()).sum();
    Some(format!(
        "The books do not balance after {} of {} runs ({faults} faults). The first, after repeat {} \
         of {} on {}: {}",
        faulty.len(),
        runs.len(),
        first.repeat,
        first.scenario,
        first.shape,
        first.ledger.faults.first().map(String::as_str).unwrap_or_default()
    ))
}

/// Histograms that are none.
pub(super) fn unreadable(statistics: &Statistics<'_>) -> Option<String> {
    let first = statistics.unreadable.first()?;
    let count = statistics.unreadable.len();
    Some(format!(
        "Latencies that cannot be read are missing from every figure, {count} histograms in all. The \
         first: {first}."
    ))
}

/// Requests of which nobody knows what became.
pub(super) fn unaccounted(statistics: &Statistics<'_>) -> Option<String> {
    let mut all = Counts::default();
    statistics.groups.iter().for_each(|group| all.add(&group.counts()));
    let known = all.done.saturating_add(all.failures()).saturating_add(all.dropped);
    let (word, difference) = match all.intended.checked_sub(known) {
        Some(0) => return None,
        Some(lost) => ("unaccounted for", lost),
        None => ("accounted for twice", known - all.intended),
    };
    Some(format!(
        "Of {} requests that were meant to start, {} are {word}.",
        format::count(all.intended),
        format::count(difference)
    ))
}

/// Parts in which many requests failed that should not have.
pub(super) fn failures(statistics: &Statistics<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    for group in orderly(statistics) {
        let counts = group.counts();
        let lost = counts.intended.saturating_sub(counts.done) as f64 / counts.intended as f64;
        if lost > MOST_NOT_DONE {
            sentences.push(format!(
                "{} of the requests of {} on {} ({}) were not done: {}.",
                format::percent(lost),
                words::under(&group),
                group.key.name(),
                words::part(group.key.part),
                what_came_instead(&counts)
            ));
        }
    }
    sentences
}

/// That the books balance, as far as they were looked at.
pub(super) fn balanced(statistics: &Statistics<'_>) -> Option<Sentence> {
    let runs = &statistics.campaign.runs;
    if runs.is_empty() || runs.iter().any(|run| !run.ledger.faults.is_empty()) {
        return None;
    }
    let checked = runs.iter().filter(|run| !run.ledger.compared.is_empty()).count();
    let text = match checked {
        0 => "Nobody checked the books after any run.".to_owned(),
        all if all == runs.len() => format!("The books balanced after each of the {all} runs."),
        some => format!(
            "The books balanced after the {some} runs after which they were checked, of {}.",
            runs.len()
        ),
    };
    Some(Sentence::new("The books", text))
}

/// Errors and drops outside the parts that ask for too much.
pub(super) fn errors(statistics: &Statistics<'_>) -> Option<Sentence> {
    let mut counts = Counts::default();
    orderly(statistics).iter().for_each(|group| counts.add(&group.counts()));
    if counts.intended == 0 {
        return None;
    }
    let all = format::count(counts.intended);
    let text = if counts.failures() == 0 && counts.dropped == 0 {
        format!("Of {all} requests that should all be done, none failed and none was dropped.")
    } else {
        format!(
            "Of {all} requests that should all be done, {} failed or were dropped ({}).",
            format::count(counts.failures().saturating_add(counts.dropped)),
            what_came_instead(&counts)
        )
    };
    Some(Sentence::new("Errors", text))
}

/// That there were too few repeats, and whether noise was measured.
pub(super) fn repeats(statistics: &Statistics<'_>) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    let fewest = statistics.part(Part::Compare).map(|group| group.samples.len()).min();
    if let Some(fewest) = fewest.filter(|fewest| *fewest < FEWEST_REPEATS) {
        let text = format!(
            "Some comparisons have {fewest} repeats, fewer than the {FEWEST_REPEATS} that an interval \
             should have."
        );
        sentences.push(Sentence::new("Repeats", text));
    }
    if statistics.part(Part::Noise).next().is_none() {
        let text = "No A/A run says how far two runs of one shape lie apart; only the intervals say \
                    what is noise.";
        sentences.push(Sentence::new("Noise", text.to_owned()));
    }
    sentences
}

/// The parts that are missing.
pub(super) fn not_measured(statistics: &Statistics<'_>) -> Option<Sentence> {
    let is_missing = |part: &Part| statistics.part(*part).next().is_none();
    let missing: Vec<String> = words::PARTS
        .into_iter()
        .filter(is_missing)
        .map(|part| words::part(part).to_owned())
        .collect();
    let text = || format!("{}.", words::sentence(&words::list(&missing)));
    (!missing.is_empty()).then(|| Sentence::new("Not measured", text()))
}

/// What should all be done: not the parts that ask for more than can be done, to see how much that
/// is, nor the flood that a noisy neighbour makes.
fn orderly<'a>(statistics: &Statistics<'a>) -> Vec<Group<'a>> {
    let orderly = |group: &Group<'a>| match group.key.part {
        Part::Sweep | Part::Overload | Part::Scaling => None,
        Part::NoisyNeighbour => Some(group.narrowed(|name| !name.contains(names::BILLING_PATH))),
        _ => Some(group.clone()),
    };
    statistics.groups.iter().filter_map(orderly).collect()
}

/// `503: 12, timeout: 3 and never sent: 4`.
fn what_came_instead(counts: &Counts) -> String {
    let mut kinds = words::came_instead(counts);
    if counts.dropped > 0 {
        kinds.push(format!("never sent: {}", format::count(counts.dropped)));
    }
    if kinds.is_empty() { "nobody knows what came instead".to_owned() } else { words::list(&kinds) }
}
