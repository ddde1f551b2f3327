//! The engine's bounds.

use std::time::Duration;

use seam::resilience::Backoff;

/// How many bytes of envelopes go to a destination at once: half of what a program reads of a call.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How the engine works. The defaults are what programs run with.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// How often the engine looks for what has become due; what this process writes wakes it at
    /// once.
    pub poll: Duration,
    /// How many envelopes go to a destination at once; at most 500, as
    /// [`seam::EventBatch`] has it, and no more than [`MOST_BYTES`] hold.
    pub batch: u32,
    /// How long a publication may take before its outcome counts as unknown.
    pub publish_time: Duration,
    /// How long a relay keeps a lane, or a worker an action, without renewing its claim: what a
    /// process that died had in hand is taken up by another after this time.
    pub lease: Duration,
    /// How long an effect may hold its transaction.
    pub effect_time: Duration,
    /// How long an action may take.
    pub action_time: Duration,
    /// How many actions and retries of one consumer run at once, each of another ordering key.
    pub concurrency: usize,
    /// After how many failed attempts an event is parked.
    pub max_attempts: u32,
    /// The waits between a consumer's attempts.
    pub consumer_backoff: Backoff,
    /// The waits between a relay's attempts at a destination, and at an ordering key that the
    /// destination does not take. They go on without end.
    pub relay_backoff: Backoff,
    /// How long [`crate::EventEngine::run`] waits for what is in hand once it is told to stop.
    pub drain: Duration,
    /// How often what has had its time is deleted.
    pub sweep_every: Duration,
    /// How often metrics see what waits.
    pub watch_every: Duration,
    /// What is kept how long.
    pub retention: Retention,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            batch: 400,
            publish_time: Duration::from_secs(30),
            lease: Duration::from_secs(10),
            effect_time: Duration::from_secs(5),
            action_time: Duration::from_secs(30),
            concurrency: 8,
            max_attempts: 16,
            // Sixteen attempts span 70 minutes on average: an outage of a provider or of another
            // module is outlived, and a longer one is the operator's to know.
            consumer_backoff: Backoff {
                base: Duration::from_secs(4),
                cap: Duration::from_secs(900),
            },
            relay_backoff: Backoff {
                base: Duration::from_millis(100),
                cap: Duration::from_secs(5),
            },
            drain: Duration::from_secs(10),
            sweep_every: Duration::from_secs(3600),
            watch_every: Duration::from_secs(10),
            retention: Retention::default(),
        }
    }
}

/// How long rows are kept whose work is done. Dead letters and what waits are kept for ever.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Outbox rows after their publication.
    pub outbox: Duration,
    /// Inbox rows after their effect. A delivery repeated later than this has a second effect, so
    /// it is longer than any sender repeats.
    pub inbox: Duration,
    /// Outcomes of once-only calls.
    pub call_records: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self { outbox: 7 * DAY, inbox: 30 * DAY, call_records: 30 * DAY }
    }
}
