//! What a callee tells its caller of the time that it took.

use std::time::Duration;

/// Where the time of a call goes on the callee's side. On the wire it is the value of
/// [`crate::headers::SERVER_TIMING`] (<https://www.w3.org/TR/server-timing/>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// From the arrival of the request's head until the argument is read: the token is verified
    /// meanwhile, and the body comes in. What waits before that, in the kernel's buffers or for a
    /// busy worker, the callee does not see.
    pub queue: Duration,
    /// The implementation behind its guard.
    pub handle: Duration,
    /// Reading the argument and writing the result.
    pub serialize: Duration,
}

impl Timing {
    /// All of it; `None` where no duration is that long.
    pub(crate) fn whole(self) -> Option<Duration> {
        self.queue.checked_add(self.handle)?.checked_add(self.serialize)
    }

    /// As the header says it: milliseconds, down to the nanosecond.
    #[must_use]
    pub fn to_server_timing(self) -> String {
        let [queue, handle, serialize] = [self.queue, self.handle, self.serialize].map(millis);
        format!("queue;dur={queue}, handle;dur={handle}, serialize;dur={serialize}")
    }

    /// Reads the header's values, among which may be what proxies have to say. `None` where one of
    /// the three durations is missing or is none.
    #[must_use]
    pub fn from_server_timing<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let (mut queue, mut handle, mut serialize) = (None, None, None);
        for metric in values.into_iter().flat_map(|value| value.split(',')) {
            let mut parts = metric.split(';').map(str::trim);
            let step = match parts.next() {
                Some("queue") => &mut queue,
                Some("handle") => &mut handle,
                Some("serialize") => &mut serialize,
                _ => continue,
            };
            *step = step.or_else(|| parts.find_map(duration));
        }
        Some(Self { queue: queue?, handle: handle?, serialize: serialize? })
    }
}

fn millis(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    format!("{}.{:06}", nanos / 1_000_000, nanos % 1_000_000)
}

fn duration(parameter: &str) -> Option<Duration> {
    let millis: f64 = parameter.strip_prefix("dur=")?.parse().ok()?;
    Duration::try_from_secs_f64(millis / 1_000.0).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(nanos in [0..10_u64.pow(14), 0..10_u64.pow(14), 0..10_u64.pow(14)]) {
            let [queue, handle, serialize] = nanos.map(Duration::from_nanos);
            let timing = Timing { queue, handle, serialize };
            let written = timing.to_server_timing();
            prop_assert!(written.is_ascii());
            let read = Timing::from_server_timing([written.as_str()]).expect("it is whole");
            let steps = [(read.queue, queue), (read.handle, handle), (read.serialize, serialize)];
            for (read, step) in steps {
                prop_assert!(read.abs_diff(step) <= Duration::from_nanos(1), "{written}");
            }
        }

        #[test]
        fn no_value_does_harm(values in prop::collection::vec("(queue|handle|serialize|;|,|dur=|=|-|1e999|NaN|inf|[0-9.]{0,9}|\\PC{0,4}){0,9}", 0..4)) {
            let _timing = Timing::from_server_timing(values.iter().map(String::as_str));
        }
    }

    #[test]
    fn the_header_is_as_the_standard_says() {
        let timing = Timing {
            queue: Duration::from_micros(40),
            handle: Duration::from_nanos(1_500_001),
            serialize: Duration::ZERO,
        };
        let written = "queue;dur=0.040000, handle;dur=1.500001, serialize;dur=0.000000";
        assert_eq!(timing.to_server_timing(), written);
    }

    #[test]
    fn others_may_add_to_the_header_and_nothing_is_made_up() {
        let ours = "handle;desc=\"a\";dur=3, queue;dur=1, serialize;dur=2";
        let read = Timing::from_server_timing(["cdn-cache;desc=HIT, queue-of-proxy;dur=9", ours]);
        let millis = Duration::from_millis;
        let (queue, handle, serialize) = (millis(1), millis(3), millis(2));
        assert_eq!(read, Some(Timing { queue, handle, serialize }));
        for garbage in [
            "",
            "queue;dur=1, handle;dur=2",
            &ours.replace("=3", "=-3"),
            &ours.replace("=3", "=inf"),
        ] {
            assert_eq!(Timing::from_server_timing([garbage]), None, "{garbage}");
        }
    }
}
