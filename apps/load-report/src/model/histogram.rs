//! Latencies as they are kept: HdrHistograms, which other tools read as well.
//!
//! A histogram is of microseconds, exact to three figures, and grows with the longest time that it
//! is told. Written it is V2, compressed, base64: the text that HdrHistogram's other ports call
//! *encoded compressed*.

use base64::{Engine as _, engine::general_purpose::STANDARD};
pub use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

/// Figures that a latency is exact to: a difference of one part in a thousand can be told.
const FIGURES: u8 = 3;

/// Without any times in it yet.
#[must_use]
pub fn empty() -> Histogram<u64> {
    let Ok(histogram) = Histogram::new(FIGURES) else {
        unreachable!("three figures are among the zero to five that there may be")
    };
    histogram
}

/// As text for [`super::Operation::latency`].
///
/// # Errors
/// It is too large for the format, which one of [`empty`] never is.
pub fn write(histogram: &Histogram<u64>) -> Result<String, HistogramError> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(histogram, &mut bytes).map_err(HistogramError::Write)?;
    Ok(STANDARD.encode(bytes))
}

/// What [`write()`] wrote. An empty text is a histogram without times, as of an operation that was
/// never done.
///
/// # Errors
/// The text is not such a histogram.
pub fn read(text: &str) -> Result<Histogram<u64>, HistogramError> {
    if text.is_empty() {
        return Ok(empty());
    }
    let bytes = STANDARD.decode(text).map_err(HistogramError::Base64)?;
    let mut histogram: Histogram<u64> =
        Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(HistogramError::Read)?;
    histogram.auto(GROWS);
    Ok(histogram)
}

/// All times of `texts` in one.
///
/// # Errors
/// One of them is not a histogram.
pub fn merge<'a>(
    texts: impl IntoIterator<Item = &'a str>,
) -> Result<Histogram<u64>, HistogramError> {
    let mut all = empty();
    for text in texts {
        all.add(read(text)?).map_err(HistogramError::Merge)?;
    }
    Ok(all)
}

/// A histogram takes any time, however long.
const GROWS: bool = true;

/// Why a histogram was not read, written or merged.
#[derive(Debug, thiserror::Error)]
pub enum HistogramError {
    /// It does not fit the format.
    #[error("writing a histogram")]
    Write(#[source] hdrhistogram::serialization::V2DeflateSerializeError),
    /// The text is not base64.
    #[error("a histogram that is not base64")]
    Base64(#[source] base64::DecodeError),
    /// The bytes are not a histogram, or were cut off.
    #[error("reading a histogram")]
    Read(#[source] hdrhistogram::serialization::DeserializeError),
    /// One takes longer times than the other.
    #[error("merging histograms")]
    Merge(#[source] hdrhistogram::AdditionError),
}
