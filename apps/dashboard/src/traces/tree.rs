//! Spans in the order of a waterfall.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::FinishedSpan;

/// A span, and how many others it is within.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row<'a> {
    pub(super) span: &'a FinishedSpan,
    pub(super) depth: usize,
}

/// Each span after the one that it is part of, and among its like by time. What is part of a span
/// that is not here, since that is another program's or was left out, stands for itself.
pub(super) fn rows(spans: &[FinishedSpan]) -> Vec<Row<'_>> {
    let ids: BTreeSet<u64> = spans.iter().map(|span| span.span_id).collect();
    let mut within: BTreeMap<Option<u64>, Vec<&FinishedSpan>> = BTreeMap::new();
    for span in spans {
        let parent = span.parent.map(|parent| parent.span_id);
        // A span that were its own parent would never be drawn.
        let parent = parent.filter(|parent| *parent != span.span_id && ids.contains(parent));
        within.entry(parent).or_default().push(span);
    }
    for siblings in within.values_mut() {
        // The first one last, since they are taken from the end.
        siblings.sort_by_key(|span| std::cmp::Reverse(span.began));
    }
    let mut rows = Vec::with_capacity(spans.len());
    let roots = within.remove(&None).unwrap_or_default();
    let mut next: Vec<Row<'_>> = roots.into_iter().map(|span| Row { span, depth: 0 }).collect();
    while let Some(row) = next.pop() {
        let parts = within.remove(&Some(row.span.span_id)).unwrap_or_default();
        next.extend(parts.into_iter().map(|span| Row { span, depth: row.depth + 1 }));
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::recent::tests::span;

    #[test]
    fn spans_stand_below_what_they_are_part_of() {
        let spans = [
            span(1, 4, 2, 12, 1),
            span(1, 3, 1, 20, 5),
            span(1, 2, 1, 11, 5),
            span(1, 1, 0, 10, 30),
            span(1, 9, 77, 50, 5),
            span(1, 5, 3, 21, 1),
        ];
        let outline: Vec<(u64, usize)> =
            rows(&spans).iter().map(|row| (row.span.span_id, row.depth)).collect();
        assert_eq!(outline, [(1, 0), (2, 1), (4, 2), (3, 1), (5, 2), (9, 0)]);
    }

    #[test]
    fn a_span_within_itself_is_drawn_once() {
        let spans = [span(1, 1, 1, 10, 1)];
        assert_eq!(rows(&spans).len(), 1);
    }
}
