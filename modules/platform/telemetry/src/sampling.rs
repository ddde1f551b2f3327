//! Which traces are kept whatever comes of them.

/// The share of traces that are kept.
///
/// It is decided by the trace's id, so that all programs decide alike without asking each other. Its
/// lowest 32 bits count: the W3C asks for 56 random ones, of which a `UUIDv7`, as our own ids are, has
/// those that are not its counter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(f64);

/// How many values 32 bits have.
const VALUES: f64 = 4_294_967_296.0;

impl Rate {
    /// All of them.
    pub const ALL: Self = Self(1.0);

    /// `share` of them; `None` unless it is between 0 and 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// Whether a trace that begins here is kept.
    #[must_use]
    pub fn keeps(self, trace_id: u128) -> bool {
        f64::from(trace_id as u32) < self.0 * VALUES
    }
}

#[cfg(test)]
mod tests {
    use kernel::CallId;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_is_between_nothing_and_all() {
        for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Rate::new(share), None);
        }
        assert_eq!(Rate::new(1.0), Some(Rate::ALL));
    }

    proptest! {
        #[test]
        fn all_and_nothing_are_exact(trace_id: u128) {
            prop_assert!(Rate::ALL.keeps(trace_id));
            prop_assert!(!Rate(0.0).keeps(trace_id));
        }

        #[test]
        fn who_keeps_less_keeps_nothing_else(trace_id: u128, one in 0.0..=1.0, other in 0.0..=1.0) {
            let (less, more) = if one < other { (one, other) } else { (other, one) };
            prop_assert!(!Rate(less).keeps(trace_id) || Rate(more).keeps(trace_id));
        }
    }

    /// Our own ids are made one after the other, with a time and a counter in them.
    #[test]
    fn a_tenth_is_about_a_tenth_and_not_in_clumps() {
        let kept = (0..10_000).map(|_| Rate(0.1).keeps(CallId::random().0.as_u128()));
        let kept: Vec<bool> = kept.collect();
        // Seven standard deviations.
        let all = kept.iter().filter(|kept| **kept).count();
        assert!((790..=1_210).contains(&all), "{all}");
        // As often as not by chance: a hundredth of all pairs.
        let pairs = kept.windows(2).filter(|pair| pair[0] && pair[1]).count();
        assert!((30..=170).contains(&pairs), "{pairs}");
    }
}
