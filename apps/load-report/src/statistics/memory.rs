//! Whether memory grows.

use crate::model::ProcessUse;

/// How a process's memory changed while it was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Resident bytes gained an hour; less than zero where it shrank.
    pub an_hour: f64,
    /// The same, over what was resident in the middle of the time.
    pub share: f64,
}

/// How the memory of `process` changed over `seconds`, without the first tenth of them, in which
/// pools and caches fill: the median of the slopes between all pairs of observations (Theil and
/// Sen), which a single spike does not move. Nothing without time or memory.
#[must_use]
pub fn growth(process: &ProcessUse, seconds: f64) -> Option<Growth> {
    let ends = [process.resident.0, process.resident.1];
    let seen: &[u64] = match process.resident_over_time.as_slice() {
        few if few.len() < 3 => &ends,
        many => many,
    };
    let hours = seconds / 3_600.0 / (seen.len() - 1) as f64;
    let settled = if seen.len() < 10 { seen } else { &seen[seen.len() / 10..] };
    let thinned: Vec<(f64, f64)> =
        thin(settled).into_iter().map(|(at, bytes)| (at as f64 * hours, bytes as f64)).collect();
    let mut slopes = Vec::new();
    for (at, (earlier, before)) in thinned.iter().enumerate() {
        slopes.extend(
            thinned[at + 1..].iter().map(|(later, after)| (after - before) / (later - earlier)),
        );
    }
    let an_hour = median(slopes)?;
    let share = an_hour / median(thinned.into_iter().map(|(_, bytes)| bytes).collect())?;
    (an_hour.is_finite() && share.is_finite()).then_some(Growth { an_hour, share })
}

/// At most as many observations as have few enough pairs.
fn thin(seen: &[u64]) -> Vec<(usize, u64)> {
    const MOST: usize = 400;
    let step = seen.len().div_ceil(MOST).max(1);
    seen.iter().copied().enumerate().step_by(step).collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(resident_over_time: Vec<u64>) -> ProcessUse {
        ProcessUse { resident: (1_000, 1_100), resident_over_time, ..ProcessUse::default() }
    }

    #[test]
    fn a_steady_gain_is_found_beside_a_spike() {
        let mut seen: Vec<u64> = (0..=100).map(|at| 10_000 + at * 10).collect();
        seen[50] = 90_000;
        let growth = growth(&process(seen), 3_600.0).expect("measured");
        assert!((growth.an_hour - 1_000.0).abs() < 1.0, "{growth:?}");
    }

    #[test]
    fn filling_a_cache_at_first_is_no_growth() {
        let seen = (0..100).map(|at| if at < 10 { at * 1_000 } else { 10_000 }).collect();
        assert_eq!(growth(&process(seen), 600.0).map(|growth| growth.an_hour), Some(0.0));
    }

    #[test]
    fn beginning_and_end_are_all_there_is_without_observations_between() {
        let growth = growth(&process(Vec::new()), 1_800.0).expect("measured");
        assert!((growth.an_hour - 200.0).abs() < 1e-9, "{growth:?}");
    }

    #[test]
    fn no_time_is_no_growth() {
        assert_eq!(growth(&process(Vec::new()), 0.0), None);
        assert_eq!(growth(&ProcessUse::default(), 60.0), None);
    }
}
