use std::time::Duration;

use rand::RngExt;

/// Exponential backoff with full jitter: a wait drawn evenly from zero to a growing bound, which
/// spreads retries best (AWS Architecture Blog, "Exponential Backoff And Jitter").
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The bound of the first wait.
    pub base: Duration,
    /// What the bound never exceeds.
    pub cap: Duration,
}

impl Backoff {
    /// Between calls of one request: 25 ms, then 50 ms.
    pub const CALLS: Self =
        Self { base: Duration::from_millis(25), cap: Duration::from_millis(500) };

    /// The longest wait before retry `n`, which counts from 1.
    #[must_use]
    pub fn bound(&self, n: u32) -> Duration {
        let factor = 1_u32.checked_shl(n.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// The wait before retry `n`, which counts from 1.
    #[must_use]
    pub fn wait(&self, n: u32) -> Duration {
        self.bound(n).mul_f64(rand::rng().random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_is_within_its_bound_and_the_cap(n in 0_u32..200) {
            let backoff = Backoff::CALLS;
            prop_assert!(backoff.wait(n) <= backoff.bound(n));
            prop_assert!(backoff.bound(n) <= backoff.cap);
            prop_assert!(backoff.bound(n) <= backoff.bound(n + 1));
        }
    }
}
