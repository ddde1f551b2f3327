//! What is measured of calls that stay in the process: how long they take, and what they would weigh
//! if they left it.

use std::{marker::PhantomData, time::Duration};

// The runtime's clock, so that a test can stop it.
use tokio::time::Instant;

use super::{Counter, Counters, counter::Ending};
use crate::{Crossing, Method};

/// Which calls are timed: one in so many. The two looks at the clock take a tenth of a microsecond,
/// which is a tenth of what a direct call may cost besides its work.
const TIMED: u64 = 16;
/// Which calls are weighed: one in so many, and so that something is known soon, the first, second,
/// third, fifth, ninth and so on. To write and read a kilobyte twice takes some ten microseconds,
/// which is a twentieth of one for each call.
const WEIGHED: u64 = 256;

/// A call of `M` that goes to its callee without leaving the process, and what is measured of it.
#[derive(Debug)]
pub struct DirectCall<'a, M> {
    method: PhantomData<fn() -> M>,
    counter: Option<&'a Counter>,
    begun: Option<Instant>,
    weight: Option<Weight>,
}

/// What a call would be on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) request_bytes: usize,
    pub(super) response_bytes: usize,
    /// Writing and reading both, on both sides.
    pub(super) serialize: Duration,
}

impl<'a, M: Method> DirectCall<'a, M> {
    /// The call that begins now, with `argument`. For the code that the macro writes.
    #[must_use]
    pub fn begin(counters: &'a Counters, argument: &M::Argument) -> Self {
        let method = PhantomData;
        let Some(counter) = counters.of::<M>() else {
            return Self { method, counter: None, begun: None, weight: None };
        };
        let nth = counter.begin();
        let weigh = nth.is_multiple_of(WEIGHED) || nth.is_power_of_two();
        let weight =
            weigh.then(|| crossed(argument)).flatten().map(|(request_bytes, serialize)| Weight {
                request_bytes,
                serialize,
                ..Weight::default()
            });
        let begun = nth.is_multiple_of(TIMED).then(Instant::now);
        Self { method, counter: Some(counter), begun, weight }
    }

    /// Makes the call, which `work` is, and counts it.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn make(
        self,
        work: impl Future<Output = Result<M::Value, M::Error>>,
    ) -> Result<M::Value, M::Error> {
        let result = work.await;
        let Some(counter) = self.counter else { return result };
        let ending = Ending::from(&result);
        counter.direct(self.begun.map(|begun| begun.elapsed()), ending);
        if let (Some(weight), Ending::Answered) = (self.weight, ending) {
            let answer = match &result {
                Ok(value) => crossed(value),
                Err(refusal) => crossed(refusal),
            };
            if let Some((response_bytes, serialize)) = answer {
                let serialize = weight.serialize + serialize;
                counter.weigh(Weight { response_bytes, serialize, ..weight });
            }
        }
        result
    }
}

/// The bytes of `value` on the wire, and how long it takes to write and read them. `None` for what
/// does not cross, of which the contract's tests tell.
fn crossed<T: Crossing>(value: &T) -> Option<(usize, Duration)> {
    let begun = Instant::now();
    let wire = value.write().ok()?;
    drop(T::read(&wire).ok()?);
    Some((wire.len(), begun.elapsed()))
}
