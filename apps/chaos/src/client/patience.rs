//! How long a client goes on.

use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// Longer is not waited, whatever an answer asks for: then another attempt is made too early, which
/// is the server's to bear.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// The pauses between attempts: full jitter, and what the server asks for; bounded in number and
/// time.
#[derive(Debug)]
pub struct Patience {
    attempts: u32,
    most: u32,
    until: Instant,
}

impl Patience {
    /// For `most` attempts, the last of which begins within `time`.
    #[must_use]
    pub fn new(most: u32, time: Duration) -> Self {
        Self { attempts: 0, most, until: Instant::now() + time }
    }

    /// What a client of the product has: a dozen attempts within 25 seconds.
    #[must_use]
    pub fn of_a_client() -> Self {
        Self::new(12, Duration::from_secs(25))
    }

    /// What somebody has who must know: 90 seconds.
    #[must_use]
    pub fn of_an_auditor() -> Self {
        Self::new(u32::MAX, Duration::from_secs(90))
    }

    /// The number of the attempt that is about to be made, from 1.
    pub fn attempt(&mut self) -> u32 {
        self.attempts += 1;
        self.attempts
    }

    /// Waits for the next attempt; `false` where there is to be none.
    pub async fn pause(&self, asked: Option<Duration>) -> bool {
        if self.attempts >= self.most {
            return false;
        }
        let doubled = FIRST_PAUSE * 2_u32.saturating_pow(self.attempts.min(10));
        let drawn = doubled.min(LONGEST_PAUSE).mul_f64(rand::rng().random::<f64>());
        let wait = drawn.max(asked.unwrap_or_default().min(LONGEST_WAIT));
        if Instant::now() + wait > self.until {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }
}
