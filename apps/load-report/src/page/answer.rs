//! The findings, the three figures that matter, and the targets.

use maud::{Markup, html};

use crate::{
    findings, format,
    model::{Part, names},
    statistics::{Judgement, Knee, Metric, counterparts, curves, noise, paired},
    targets, words,
};

use super::{Page, Section};

/// What a person reads who reads nothing else.
pub(super) fn section(page: &Page<'_, '_>) -> Markup {
    let findings = findings::findings(page.statistics);
    let caveats = &page.statistics.campaign.about.caveats;
    html! {
        section.answer id="answer" aria-labelledby="answer-h" {
            h2 id="answer-h" { "The answer" }
            @if !findings.alarms.is_empty() {
                div.alarm role="note" {
                    p { strong { "Before you believe a figure" } }
                    ul { @for alarm in &findings.alarms { li { (alarm) } } }
                }
            }
            div.cards {
                (latency(page).draw())
                (processor(page).draw())
                (knee(page).draw())
            }
            div.findings {
                @for sentence in &findings.sentences { p { strong { (sentence.topic) "." } " " (sentence.text) } }
            }
            @if !caveats.is_empty() {
                div.caveats {
                    p { strong { "What to know about this campaign" } }
                    ul { @for caveat in caveats { li { (caveat) } } }
                }
            }
        }
    }
}

/// Everything that was asked for.
pub(super) fn targets(page: &Page<'_, '_>) -> Section {
    let targets = targets::targets(page.statistics);
    let table = html! {
        div.scroll tabindex="0" role="region" aria-label="Targets" {
            table.prose {
                caption { "Targets: what was asked for and what was found" }
                thead { tr { th scope="col" { "target" } th scope="col" { "verdict" } th scope="col" { "asked" } th scope="col" { "measured" } } }
                tbody {
                    @for target in &targets {
                        tr {
                            th scope="row" { (target.what) }
                            td { span class=(format!("verdict v-{}", target.verdict.word().replace(' ', "-"))) { (target.verdict.word()) } }
                            td { (target.asked) }
                            td { (target.measured) }
                        }
                    }
                }
            }
        }
    };
    Section {
        id: "targets",
        title: "Targets",
        lead: "A verdict is by the mean; where the interval contains the limit, the figure says so.",
        body: vec![table],
    }
}

/// One figure, large.
struct Card {
    title: String,
    figure: String,
    detail: String,
}

impl Card {
    fn missing(title: &str) -> Self {
        Self { title: title.to_owned(), figure: "not measured".to_owned(), detail: String::new() }
    }

    fn draw(&self) -> Markup {
        html! {
            div.card {
                p.what { (self.title) }
                p.figure.absent[self.detail.is_empty()] { (self.figure) }
                p.detail { (self.detail) }
            }
        }
    }
}

fn latency(page: &Page<'_, '_>) -> Card {
    const TITLE: &str = "Extraction adds to a billing read, at p50";
    let reads = targets::billing_reads(page.statistics);
    let is_read = |name: &str| name.starts_with(names::BILLING_READS);
    let figures = reads.first().and_then(|read| {
        let p50 = paired(&read.base, &read.other, Metric::P50)?;
        Some((read, p50, paired(&read.base, &read.other, Metric::P99)?))
    });
    let Some((read, p50, p99)) = figures else { return Card::missing(TITLE) };
    let noise = |metric| noise(page.statistics, read.base.key.scenario, is_read, metric);
    let signed = |value| format::signed(value, format::micros);
    Card {
        title: TITLE.to_owned(),
        figure: match p50.judge(noise(Metric::P50)) {
            Judgement::ContainsZero | Judgement::WithinNoise => "within noise".to_owned(),
            Judgement::Differs | Judgement::Once => signed(p50.difference.mean),
        },
        detail: format!(
            "{}{}; {}. {}.",
            words::sentence(read.other.key.shape),
            words::interval(&p50.difference, signed),
            words::compared(Metric::P99, &p99, noise(Metric::P99)),
            words::sentence(&words::under(&read.base)),
        ),
    }
}

fn processor(page: &Page<'_, '_>) -> Card {
    const TITLE: &str = "Throughput per CPU second that extraction keeps";
    let pairs = counterparts(page.statistics, Part::Compare);
    let is_judged = |(base, _): &&(&_, &_)| {
        let base: &crate::statistics::Group<'_> = base;
        base.key.scenario == names::MIXED_DAY
    };
    let pair = pairs.iter().find(is_judged).or(pairs.first());
    let figures = pair.and_then(|(base, other)| {
        let paired = paired(base, other, Metric::RequestsPerCpu)?;
        Some((base, other, paired, paired.ratio?))
    });
    let Some((base, other, paired, ratio)) = figures else { return Card::missing(TITLE) };
    Card {
        title: TITLE.to_owned(),
        figure: format::percent(ratio.mean),
        detail: format!(
            "{}{}: {} against {} requests for a second. {}.",
            words::sentence(other.key.shape),
            words::interval(&ratio, format::percent),
            format::number(paired.other),
            format::number(paired.base),
            words::sentence(&words::under(base)),
        ),
    }
}

fn knee(page: &Page<'_, '_>) -> Card {
    const TITLE: &str = "The highest rate that is served well";
    let all = curves(page.statistics, Part::Sweep);
    let Some(first) = all.first() else { return Card::missing(TITLE) };
    let scenario = first.group.key.scenario;
    let mut same: Vec<_> =
        all.iter().filter(|curve| curve.group.key.scenario == scenario).collect();
    same.sort_by_key(|curve| page.style(curve.group.key.shape));
    let text = |knee: Knee| match knee {
        Knee::At(rate) => format::rate(rate),
        Knee::AtLeast(rate) => format!("≥ {}", format::rate(rate)),
        Knee::Below(rate) => format!("< {}", format::rate(rate)),
    };
    let figures: Vec<String> = same.iter().filter_map(|curve| curve.knee()).map(text).collect();
    let names: Vec<String> = same.iter().map(|curve| curve.group.key.name()).collect();
    Card {
        title: TITLE.to_owned(),
        figure: figures.join(" → "),
        detail: format!("{}, on {scenario}.", words::sentence(&names.join(" → "))),
    }
}
