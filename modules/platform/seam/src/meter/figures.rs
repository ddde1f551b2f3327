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

impl CallFigures {
    /// What came since `earlier`, which the same process read of the same lane.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            failures: self.failures.saturating_sub(earlier.failures),
            retries: self.retries.saturating_sub(earlier.retries),
            request_bytes: self.request_bytes.saturating_sub(earlier.request_bytes),
            response_bytes: self.response_bytes.saturating_sub(earlier.response_bytes),
            timed: self.timed.saturating_sub(earlier.timed),
            untold: self.untold.saturating_sub(earlier.untold),
            total_ns: self.total_ns.saturating_sub(earlier.total_ns),
            steps_ns: self.steps_ns.map(|now| now.since(earlier.steps_ns.unwrap_or_default())),
            as_wire: self.as_wire.map(|now| now.since(earlier.as_wire.unwrap_or_default())),
            ..self.clone()
        }
    }

    /// Whether both are of the same caller's calls to the same method, over the same transport.
    #[must_use]
    pub fn is_same_lane(&self, other: &Self) -> bool {
        let Self { caller, service, port, version, method, transport, .. } = self;
        *caller == other.caller
            && *service == other.service
            && *port == other.port
            && *version == other.version
            && *method == other.method
            && *transport == other.transport
    }
}

impl StepFigures {
    fn since(self, earlier: Self) -> Self {
        Self {
            caller_serialize: self.caller_serialize.saturating_sub(earlier.caller_serialize),
            callee_serialize: self.callee_serialize.saturating_sub(earlier.callee_serialize),
            network: self.network.saturating_sub(earlier.network),
            queue: self.queue.saturating_sub(earlier.queue),
            handle: self.handle.saturating_sub(earlier.handle),
        }
    }
}

impl WireFigures {
    fn since(self, earlier: Self) -> Self {
        Self {
            weighed: self.weighed.saturating_sub(earlier.weighed),
            request_bytes: self.request_bytes.saturating_sub(earlier.request_bytes),
            response_bytes: self.response_bytes.saturating_sub(earlier.response_bytes),
            serialize_ns: self.serialize_ns.saturating_sub(earlier.serialize_ns),
        }
    }
}

/// What was counted of clients' requests for one module, since the process began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFigures {
    /// The module that the path belongs to.
    pub module: String,
    /// Requests that were answered, whatever the status.
    pub requests: u64,
    /// Bytes of their bodies, as far as their heads told.
    pub request_bytes: u64,
    /// Bytes of the answers' bodies, without those that were sent in chunks.
    pub response_bytes: u64,
}

impl RequestFigures {
    /// What came since `earlier`, which the same process read of the same module.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            module: self.module.clone(),
            requests: self.requests.saturating_sub(earlier.requests),
            request_bytes: self.request_bytes.saturating_sub(earlier.request_bytes),
            response_bytes: self.response_bytes.saturating_sub(earlier.response_bytes),
        }
    }
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
