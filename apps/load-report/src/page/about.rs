//! What was run, on what, and how figures are made of it.

use maud::{Markup, html};

use crate::{
    format,
    model::{About, Campaign, Data},
    statistics::Bound,
    words,
};

use super::{Page, Section};

/// A commit as people read it.
pub(super) fn short(commit: &str) -> String {
    let (digits, rest) = commit.split_once('-').unwrap_or((commit, ""));
    let short: String = digits.chars().take(12).collect();
    if rest.is_empty() { short } else { format!("{short}-{rest}") }
}

/// The head of the page.
pub(super) fn header(campaign: &Campaign) -> Markup {
    let About { commit, started_at, build, engine, machine, .. } = &campaign.about;
    html! {
        header {
            h1 { "Load report" }
            p {
                "Commit " code { (short(commit)) } ", " (words::build(*build)) ", on " (engine) ", begun " (started_at) ", on "
                (format::count(machine.cores.into())) " cores of " (machine.processor) " with "
                (format::bytes(machine.memory as f64)) " of memory (" (machine.system) ")."
            }
        }
    }
}

/// How to repeat the campaign, and how to read its figures.
pub(super) fn method(page: &Page<'_, '_>) -> Section {
    let About { commit, command, build, seed, data, took_s, .. } = &page.statistics.campaign.about;
    let Data { tenants, people, subscriptions, invoices, usage_events } = data;
    let facts = [
        ("Command", command.clone()),
        ("Commit", commit.clone()),
        ("Programs", words::build(*build).to_owned()),
        ("Seed", seed.to_string()),
        (
            "Data",
            format!(
                "{} tenants, {} people, {} subscriptions, {} invoices, {} usage events",
                format::count(*tenants),
                format::count(*people),
                format::count(*subscriptions),
                format::count(*invoices),
                format::count(*usage_events)
            ),
        ),
        (
            "Time",
            if *took_s == 0 { "not taken".to_owned() } else { format::minutes(*took_s as f64) },
        ),
    ];
    let body = html! {
        dl { @for (name, text) in &facts { dt { (name) } dd { (text) } } }
        ul {
            li {
                "Latency counts from the instant at which a request was meant to start, so a server that \
                 stands still is charged for everybody who would have come meanwhile."
            }
            li {
                "An interval is Student's t over repeats, at 95 %. A run counts once, however many \
                 requests it made: requests of one run share its luck."
            }
            li {
                "Shapes are compared by the difference within each repeat, as those ran next to each \
                 other. Ratios are averaged as logarithms."
            }
            li {
                "A difference is within noise where its interval contains zero, or where it is no larger \
                 than two runs of one shape (A/A) lie apart on average."
            }
            li {
                "A percentile with an interval is the mean of the repeats' percentiles; curves, and those \
                 without one, are of all repeats together."
            }
            li {
                "The knee is the highest rate with " (format::percent(Bound::KNEE.done)) " of the requests done \
                 and p99 within " (format::micros(Bound::KNEE.p99)) ". Goodput is requests done as they should be."
            }
            li {
                "Processor time is that of all processes but the generator, engines included; memory is the \
                 programs'."
            }
            li {
                "A target is settled by the whole interval: where the limit lies within it, more repeats or a \
                 quieter machine would tell."
            }
        }
    };
    Section {
        id: "method",
        title: "How it was measured",
        lead: "What repeats this campaign, and how its figures are made.",
        body: vec![body],
    }
}
