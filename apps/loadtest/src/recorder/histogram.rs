//! HdrHistograms from a microsecond to a minute with three digits, as they are in a run.

use std::time::Duration;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Counter, Histogram,
    serialization::{Deserializer, Serializer as _, V2DeflateSerializer},
};

/// Microseconds: what is shorter counts as this.
pub const LOWEST: u64 = 1;
/// Microseconds: what is longer counts as this.
pub const MOST: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// An empty one: 136 KiB with counters of eight bytes.
pub(super) fn new<C: Counter>() -> Histogram<C> {
    let Ok(histogram) = Histogram::new_with_bounds(LOWEST, MOST, DIGITS) else {
        unreachable!("the bounds are constants that are within what the crate allows")
    };
    histogram
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(MOST).max(LOWEST)
}

/// V2, compressed, base64.
pub(super) fn encode(histogram: &Histogram<u64>) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(histogram, &mut bytes).context("writing a histogram")?;
    Ok(STANDARD.encode(bytes))
}

/// The histogram that is written in [`Operation::latency`](load_report::model::Operation::latency).
///
/// # Errors
/// It is none.
pub fn decode(text: &str) -> anyhow::Result<Histogram<u64>> {
    let bytes = STANDARD.decode(text).context("a histogram is base64")?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).context("reading a histogram")
}
