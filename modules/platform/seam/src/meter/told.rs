//! The same figures among the program's metrics.

use std::sync::Arc;

use telemetry::metrics::Asked;

use super::{Counter, Meter, in_use};

/// A figure of each lane that only ever grows.
struct Told {
    asked: Asked,
    figure: fn(&Counter) -> u64,
}

const TOLD: [Told; 5] = [
    Told {
        asked: Asked {
            name: "ashlar.port.calls",
            unit: "{call}",
            description: "Calls between modules that ended",
        },
        figure: Counter::calls,
    },
    Told {
        asked: Asked {
            name: "ashlar.port.failures",
            unit: "{call}",
            description: "Calls that brought no answer from the domain; a refusal is an answer",
        },
        figure: Counter::failures,
    },
    Told {
        asked: Asked {
            name: "ashlar.port.retries",
            unit: "{call}",
            description: "How many times a call was sent again",
        },
        figure: Counter::retries,
    },
    Told {
        asked: Asked {
            name: "ashlar.port.request.size",
            unit: "By",
            description: "Arguments as JSON, without headers",
        },
        figure: Counter::request_bytes,
    },
    Told {
        asked: Asked {
            name: "ashlar.port.response.size",
            unit: "By",
            description: "Answers as JSON, without headers",
        },
        figure: Counter::response_bytes,
    },
];

impl Meter {
    /// Has the program's metrics tell what is counted here, for as long as somebody counts.
    pub fn tell(&self) {
        for Told { asked, figure } in TOLD {
            let counted = Arc::downgrade(&self.lanes);
            asked.sum(move |observer| {
                let Some(lanes) = counted.upgrade() else { return };
                for counter in in_use(&lanes).values().filter(|counter| counter.calls() > 0) {
                    observer.observe(figure(counter) as f64, counter.attributes());
                }
            });
        }
    }
}
