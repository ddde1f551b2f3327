//! What the runs themselves may have done to the figures, and where a call's time goes.

use crate::{
    format,
    model::{Build, Hop, Part, Run, names},
    statistics::{Estimate, Statistics},
    words,
};

use super::Sentence;

/// Shapes that did not take turns: a machine that slows in the meantime then slows one of them.
pub(super) fn turns(statistics: &Statistics<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    for part in [Part::Compare, Part::Noise] {
        let runs: Vec<&Run> =
            statistics.campaign.runs.iter().filter(|run| run.part == part).collect();
        let of_its_kind =
            |one: &Run, other: &Run| (&one.scenario, one.load) == (&other.scenario, other.load);
        let goes_back = |(at, run): (usize, &&Run)| {
            let before = runs[..at].iter().rev().find(|before| of_its_kind(before, run));
            before.is_some_and(|before| before.repeat > run.repeat)
        };
        if runs.iter().enumerate().any(goes_back) {
            sentences.push(format!(
                "In the part {} shapes did not take turns: what changed on the machine meanwhile counts \
                 as a difference.",
                words::part(part)
            ));
        }
    }
    sentences
}

/// Programs that nobody would deploy: no figure of theirs is the product's.
pub(super) fn unoptimised(statistics: &Statistics<'_>) -> Option<String> {
    (statistics.campaign.about.build == Build::Unoptimised).then(|| {
        "The programs were not optimised: everything here shows that the tool works, and nothing \
         says how fast the product is."
            .to_owned()
    })
}

/// How busy and how late the generator was, which has its latencies from the same processor.
pub(super) fn generator(statistics: &Statistics<'_>) -> Option<Sentence> {
    let runs = || statistics.campaign.runs.iter();
    let cores = |run: &Run| {
        let process = run.processes.get(names::GENERATOR)?;
        let cores = process.cpu as f64 / 1e6 / run.measured_s;
        cores.is_finite().then_some(cores)
    };
    let most = runs().filter_map(cores).reduce(f64::max)?;
    let mut text = format!(
        "It used up to {} of the machine's {} cores.",
        format::number(most),
        statistics.campaign.about.machine.cores
    );
    let late = runs().filter(|run| run.part == Part::Compare);
    let late = late.filter_map(|run| Some(run.generator.as_ref()?.late));
    if let Some(worst) = late.max_by_key(|late| late.p99) {
        text += &format!(
            " In the comparisons it sent half of its requests within {} of when they were meant to \
             start and 99 in a hundred within {}, in the worst run; that is part of each latency.",
            format::micros(worst.p50 as f64),
            format::micros(worst.p99 as f64),
        );
    }
    Some(Sentence::new("The generator", text))
}

/// What was left out of runs, and journeys that could not go on.
pub(super) fn remarks(statistics: &Statistics<'_>) -> Vec<Sentence> {
    let mut remarks: Vec<(String, usize)> = Vec::new();
    let mut note = |text: String| match remarks.iter_mut().find(|(known, _)| *known == text) {
        Some((_, runs)) => *runs += 1,
        None => remarks.push((text, 1)),
    };
    for generator in statistics.campaign.runs.iter().filter_map(|run| run.generator.as_ref()) {
        generator.remarks.iter().cloned().for_each(&mut note);
        for what in generator.stuck.keys() {
            note(format!("journeys could not go on: {what}"));
        }
    }
    let all = statistics.campaign.runs.len();
    let sentence = |(text, runs): (String, usize)| {
        let text = format!("In {runs} of {all} runs {text}.");
        Sentence::new("Left out", text)
    };
    remarks.into_iter().map(sentence).collect()
}

/// What a call between programs costs beside its work.
pub(super) fn hops(statistics: &Statistics<'_>) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    for group in statistics.part(Part::Compare) {
        let hops = group.samples.iter().filter_map(|sample| sample.run.hop.as_ref());
        let hops: Vec<&Hop> = hops.filter(|hop| hop.calls > 0).collect();
        let mean = |value: fn(&Hop) -> f64| {
            let estimate = Estimate::of(&hops.iter().map(|hop| value(hop)).collect::<Vec<_>>())?;
            Some(words::estimate(&estimate, format::micros))
        };
        let beside = mean(|hop| hop.serialize + hop.network + hop.queue);
        let Some((beside, handle)) = beside.zip(mean(|hop| hop.handle)) else { continue };
        let text = format!(
            "On {}, {}, a call between programs takes {beside} on average beside the {handle} of its \
             work.",
            group.key.name(),
            words::under(group)
        );
        sentences.push(Sentence::new("The hop", text));
    }
    sentences
}
