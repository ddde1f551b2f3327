use std::sync::atomic::{AtomicI64, Ordering};

/// Keeps retries to a tenth of the calls, so that they cannot finish off a service that is already
/// overloaded. A small reserve lets a quiet client retry at all.
#[derive(Debug)]
pub struct RetryBudget {
    /// In tenths of a retry.
    tenths: AtomicI64,
}

impl RetryBudget {
    const RETRY: i64 = 10;
    const MOST: i64 = 100;

    /// Starts with the reserve of ten retries.
    #[must_use]
    pub const fn new() -> Self {
        Self { tenths: AtomicI64::new(Self::MOST) }
    }

    /// Every first attempt earns a tenth of a retry.
    pub fn earn(&self) {
        let _ = self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tenths| {
            (tenths < Self::MOST).then_some(tenths + 1)
        });
    }

    /// Takes a retry out of the budget; `false` where there is none.
    #[must_use]
    pub fn spend(&self) -> bool {
        self.tenths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tenths| {
                (tenths >= Self::RETRY).then_some(tenths - Self::RETRY)
            })
            .is_ok()
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_tenth_of_the_calls_once_the_reserve_is_gone() {
        let budget = RetryBudget::new();
        while budget.spend() {}
        let mut retries = 0;
        for _ in 0..1_000 {
            budget.earn();
            retries += u32::from(budget.spend());
        }
        assert_eq!(retries, 100);
    }
}
