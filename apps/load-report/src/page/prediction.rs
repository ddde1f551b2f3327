//! What the monolith said that extraction would cost, beside what it cost.

use crate::{
    format,
    targets::{Predicted, Verdict, predicted},
    words,
};

use super::{Page, Section, parts::Table};

/// A row for each figure.
pub(super) fn section(page: &Page<'_, '_>) -> Section {
    let tables = predicted(page.statistics).into_iter().map(|(shape, figures)| {
        let caption = format!("{shape}: what it adds (95 % interval)");
        let head = ["to", "predicted by the monolith", "added", "predicted over added"];
        let mut table = Table::new(words::sentence(&caption), head);
        table.rows.extend(figures.iter().map(row));
        table.draw()
    });
    Section {
        id: "prediction",
        title: "What extraction was predicted to cost",
        lead: "In runs of its own the monolith was asked what it would cost to have billing in a \
               program of its own, while it was under the same load (GET /ops/price): from the calls and \
               requests that it counted, some of which it weighed as if they left it, and from hops that \
               a second process made on the same machine at the same time. Beside it is what \
               extraction added when it was done.",
        body: tables.collect(),
    }
}

fn row(figure: &Predicted) -> Vec<String> {
    let signed = |value| format::signed(value, format::micros);
    let ratio = figure.said.mean / figure.cost.mean;
    // Of a cost that is none, or less, there is no multiple.
    let ratio =
        if ratio > 0.0 && ratio.is_finite() { format::percent(ratio) } else { "–".into() };
    vec![
        figure.what.to_owned(),
        words::estimate(&figure.said, signed),
        words::estimate(&figure.cost, signed),
        format!("{ratio}: {}", agreement(figure.verdict())),
    ]
}

const fn agreement(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "they agree",
        Verdict::Missed => "they do not agree",
        Verdict::Unsettled | Verdict::NotMeasured => "not settled",
    }
}
