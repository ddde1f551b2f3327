//! What sections are made of.

use maud::{Markup, html};

use crate::{
    statistics::{Estimate, Group, Metric},
    words,
};

/// A table: the first cell of each row names it, some more may be words, the others are figures.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
    /// How many columns are words.
    words: usize,
}

impl Table {
    pub(super) fn new<const N: usize>(caption: impl Into<String>, head: [&str; N]) -> Self {
        Self {
            caption: caption.into(),
            head: head.map(str::to_owned).to_vec(),
            rows: Vec::new(),
            words: 1,
        }
    }

    /// The same with so many columns of words at the beginning.
    pub(super) fn words(self, words: usize) -> Self {
        Self { words, ..self }
    }

    fn class(&self, column: usize) -> Option<&'static str> {
        (column < self.words).then_some("words")
    }

    pub(super) fn draw(&self) -> Markup {
        html! {
            // A region that scrolls must be reachable by keyboard.
            div.scroll tabindex="0" role="region" aria-label=(self.caption) {
                table {
                    caption { (self.caption) }
                    thead {
                        tr {
                            @for (at, cell) in self.head.iter().enumerate() {
                                th class=[self.class(at)] scope="col" { (cell) }
                            }
                        }
                    }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for (at, cell) in row.iter().enumerate() {
                                    @if at == 0 { th scope="row" { (cell) } } @else { td class=[self.class(at)] { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Plots beside each other.
pub(super) fn plots(plots: &[Markup]) -> Markup {
    html! { div.plots { @for plot in plots { (plot) } } }
}

/// A plot under its caption.
pub(super) fn figure(caption: &str, plot: &Markup) -> Markup {
    html! { figure { figcaption { (caption) } (plot) } }
}

/// A title within a section.
pub(super) fn heading(text: &str) -> Markup {
    html! { h3 { (words::sentence(text)) } }
}

/// The mean of `metric` over a group's repeats. Its interval ends at zero, as nothing that is measured
/// is less.
pub(super) fn mean(group: &Group<'_>, metric: Metric) -> Option<Estimate> {
    let values: Vec<f64> = group.samples.iter().filter_map(|sample| metric.of(sample)).collect();
    let estimate = Estimate::of(&values)?;
    let interval = estimate.interval.map(|(low, high)| (low.max(0.0), high));
    Some(Estimate { interval, ..estimate })
}

/// The same with its interval, in words, for a table that has the number of repeats in it. A line
/// breaks before the interval and not in it.
pub(super) fn mean_text(group: &Group<'_>, metric: Metric) -> String {
    let text = |estimate: Estimate| {
        let mean = metric.text(estimate.mean);
        match estimate.interval {
            Some(_) => {
                let interval = words::interval(&estimate, |value| metric.text(value));
                format!("{mean} {}", interval.trim_start().replace(' ', "\u{a0}"))
            }
            None => mean,
        }
    };
    mean(group, metric).map_or_else(nothing, text)
}

/// What stands where there is no figure.
pub(super) fn nothing() -> String {
    "—".to_owned()
}

/// The names of a group's server processes, in order.
pub(super) fn processes<'a>(groups: &[&Group<'a>]) -> Vec<&'a str> {
    let samples = groups.iter().flat_map(|group| &group.samples);
    let mut names: Vec<&str> =
        samples.flat_map(|sample| sample.servers().map(|(name, _)| name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}
