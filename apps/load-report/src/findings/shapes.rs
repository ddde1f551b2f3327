//! Where extraction costs, and where it wins.

use crate::{
    format,
    model::{Load, Part, names},
    statistics::{Group, Judgement, Metric, Paired, Statistics, counterparts, noise, paired},
    targets, words,
};

use super::Sentence;

/// The shapes against each other at one rate.
pub(super) fn compared(statistics: &Statistics<'_>) -> Vec<Sentence> {
    let reads = targets::billing_reads(statistics);
    let mut sentences: Vec<Sentence> =
        reads.iter().map(|read| billing_read(statistics, read)).collect();
    for (base, other) in counterparts(statistics, Part::Compare) {
        let clauses = clauses(
            statistics,
            (base, other),
            &[Metric::P50, Metric::P99, Metric::CpuPerRequest, Metric::Memory],
            every_operation,
        );
        if !clauses.is_empty() {
            let against = against(base, other);
            let text = format!("Over all requests, {against}: {}.", clauses.join("; "));
            sentences.push(Sentence::new("What extraction costs", text));
        }
    }
    sentences
}

/// Requests of others while billing is flooded.
pub(super) fn noisy_neighbour(statistics: &Statistics<'_>) -> Vec<Sentence> {
    let is_other = |name: &str| !name.contains(names::BILLING_PATH);
    let mut sentences = Vec::from_iter(flood(statistics, is_other));
    for (base, other) in counterparts(statistics, Part::NoisyNeighbour) {
        let (base, other) = (base.narrowed(is_other), other.narrowed(is_other));
        let Some(paired) = paired(&base, &other, Metric::P99) else { continue };
        let floor = noise(statistics, base.key.scenario, is_other, Metric::P99);
        let text = format!(
            "Requests outside billing have p99 of {} on {} and of {} on the monolith{}: {}.",
            Metric::P99.text(paired.other),
            other.key.shape,
            Metric::P99.text(paired.base),
            variant(&other),
            outcome(&paired, floor, [", extraction wins", ", extraction loses"]),
        );
        sentences.push(Sentence::new("Noisy neighbour", text));
    }
    sentences
}

/// What a flood does to each shape by itself: it has one variant at a low rate and one at a high one.
fn flood(statistics: &Statistics<'_>, wanted: impl Fn(&str) -> bool) -> Option<Sentence> {
    let mut clauses = Vec::new();
    for shape in &statistics.shapes {
        let own = |group: &&Group<'_>| group.key.shape == *shape;
        let mut variants: Vec<&Group<'_>> =
            statistics.part(Part::NoisyNeighbour).filter(own).collect();
        variants.sort_by(|one, other| rate(one).total_cmp(&rate(other)));
        let variants: Vec<Group<'_>> =
            variants.into_iter().map(|group| group.narrowed(&wanted)).collect();
        let [calm, flooded] = variants.as_slice() else { continue };
        let Some(paired) = paired(calm, flooded, Metric::P99) else { continue };
        let [before, after] = [paired.base, paired.other].map(|p99| Metric::P99.text(p99));
        clauses.push(format!("from {before} to {after} on {shape}"));
    }
    (!clauses.is_empty()).then(|| {
        let text = format!(
            "While usage floods billing, p99 of the requests outside billing goes {}.",
            words::list(&clauses)
        );
        Sentence::new("Noisy neighbour", text)
    })
}

/// Replicas of billing.
pub(super) fn scaling(statistics: &Statistics<'_>) -> Vec<Sentence> {
    let groups: Vec<&Group<'_>> = statistics.part(Part::Scaling).collect();
    let mut sentences = Vec::new();
    for (at, base) in groups.iter().enumerate() {
        let of_its_kind = |other: &&&Group<'_>| {
            (other.key.shape, other.key.scenario, other.key.load)
                == (base.key.shape, base.key.scenario, base.key.load)
        };
        // The first of its kind is what the others are compared with.
        if groups[..at].iter().any(|earlier| of_its_kind(&earlier)) {
            continue;
        }
        for other in groups[at + 1..].iter().filter(of_its_kind) {
            let Some(paired) = paired(base, other, Metric::Goodput) else { continue };
            let floor = noise(statistics, base.key.scenario, every_operation, Metric::Goodput);
            let text = format!(
                "Goodput is {} on {} and {} on {}, {}: {}.",
                Metric::Goodput.text(paired.base),
                base.key.name(),
                Metric::Goodput.text(paired.other),
                other.key.name(),
                words::under(base),
                outcome(&paired, floor, ["", ""])
            );
            sentences.push(Sentence::new("Scaling", text));
        }
    }
    sentences
}

/// What one shape adds to a read of billing.
fn billing_read(statistics: &Statistics<'_>, read: &targets::Read<'_>) -> Sentence {
    let is_read = |name: &str| name.starts_with(names::BILLING_READS);
    let clauses = clauses(
        statistics,
        (&read.base, &read.other),
        &[Metric::P50, Metric::P99, Metric::P999],
        is_read,
    );
    let against = against(&read.base, &read.other);
    Sentence::new(
        "A billing read",
        format!("{}: {}.", words::sentence(&against), clauses.join("; ")),
    )
}

fn against(base: &Group<'_>, other: &Group<'_>) -> String {
    format!("{} against the monolith, {}", other.key.name(), words::under(base))
}

fn clauses(
    statistics: &Statistics<'_>,
    (base, other): (&Group<'_>, &Group<'_>),
    metrics: &[Metric],
    wanted: impl Fn(&str) -> bool,
) -> Vec<String> {
    let clause = |metric: &Metric| {
        let paired = paired(base, other, *metric)?;
        let noise = noise(statistics, base.key.scenario, &wanted, *metric);
        Some(words::compared(*metric, &paired, noise))
    };
    metrics.iter().filter_map(clause).collect()
}

/// Journeys begun a second.
fn rate(group: &Group<'_>) -> f64 {
    match group.key.load {
        Load::Open { rate } => rate,
        Load::Closed { .. } => f64::INFINITY,
    }
}

fn every_operation(_: &str) -> bool {
    true
}

fn variant(group: &Group<'_>) -> String {
    match group.key.variant {
        "" => String::new(),
        variant => format!(", {variant}"),
    }
}

/// How far the second is from the first; then which of the words `[lower, higher]` holds, unless the
/// difference is within noise.
fn outcome(paired: &Paired, noise: Option<f64>, [lower, higher]: [&str; 2]) -> String {
    let change = paired.ratio.map(|ratio| ratio.map(|ratio| ratio - 1.0));
    let size = change.map_or_else(
        || "one of them is zero".to_owned(),
        |change| words::moved(&change, format::percent),
    );
    match paired.judge(noise) {
        Judgement::Differs if paired.difference.mean < 0.0 => format!("{size}{lower}"),
        Judgement::Differs => format!("{size}{higher}"),
        Judgement::ContainsZero | Judgement::WithinNoise => {
            format!("{size}, which is within noise")
        }
        Judgement::Once => format!("{size}, perhaps by chance"),
    }
}
