use serde::{Deserialize, Serialize};

/// What was counted of one caller's calls to one method, since the process began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFigures {
    /// The module that calls, or the program where none of its modules does.
    pub caller: String,
    /// The module that is called.
    pub service: String,
    /// The port's name.
    pub port: String,
    /// The port's major version.
    pub version: u32,
    /// The method's name.
    pub method: String,
    /// How calls go: `direct`, `loopback` or `http`.
    pub transport: String,
    /// Calls that ended. One whose caller went away is not among them.
    pub calls: u64,
    /// Those that brought no answer from the domain; a refusal is an answer.
    pub failures: u64,
    /// How many times a call was sent again.
    pub retries: u64,
    /// Bytes of arguments as JSON, without headers and however often they were sent; 0 where calls
    /// are direct.
    pub request_bytes: u64,
    /// Bytes of answers as JSON.
    pub response_bytes: u64,
    /// Calls that the sums below are of: all that were answered. Of direct calls every sixteenth.
    pub timed: u64,
    /// Those of `timed` whose callee did not tell its part, which is in `network` then.
    pub untold: u64,
    /// Nanoseconds that the calls took together, as the caller saw them.
    pub total_ns: u64,
    /// Where they went; none where calls are direct.
    pub steps_ns: Option<StepFigures>,
    /// What direct calls would weigh if they left the process; none where they do.
    #[serde(default)]
    pub as_wire: Option<WireFigures>,
}

/// What some of the direct calls would have been on the wire: their argument and answer were
/// written and read once more, beside the call. Each a sum over `weighed` calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireFigures {
    /// Calls that the sums below are of: the first few, and every 256th.
    pub weighed: u64,
    /// Bytes of arguments as JSON.
    pub request_bytes: u64,
    /// Bytes of answers as JSON.
    pub response_bytes: u64,
    /// Nanoseconds that it took to write and read both.
    pub serialize_ns: u64,
}

/// The steps of calls, each a sum of nanoseconds. All together are the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFigures {
    /// Writing arguments and reading answers.
    pub caller_serialize: u64,
    /// Reading arguments and writing answers.
    pub callee_serialize: u64,
    /// What is left: sockets, kernels, HTTP on both sides, and the wait before a repetition.
    pub network: u64,
    /// See [`crate::Timing::queue`].
    pub queue: u64,
    /// See [`crate::Timing::handle`].
    pub handle: u64,
}
