//! Wakes tasks to within a tenth of a millisecond.

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Instant,
};

use tokio::sync::{mpsc, oneshot};

use crate::arrivals::Arrival;

/// Wakes tasks when they ask for it, from a thread of its own.
///
/// tokio's own timer counts in milliseconds and wakes up to two of them late, which is more than
/// many an answer takes: every latency from the intended start would be of the timer. A thread that
/// waits on a channel is woken by the kernel to within its timer slack, 50 µs on Linux. The thread
/// ends with the last clone.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    orders: Sender<Order>,
}

struct Order {
    at: Instant,
    what: What,
}

enum What {
    Wake(oneshot::Sender<()>),
    Arrive(Box<Series>),
}

/// Arrivals that are handed over one by one, without being asked for: nobody who is busy makes the
/// next one late, and nothing is woken twice for one of them.
struct Series {
    start: Instant,
    next: Arrival,
    rest: Box<dyn Iterator<Item = Arrival> + Send>,
    taker: mpsc::UnboundedSender<Arrival>,
}

impl Alarm {
    pub(crate) fn start() -> io::Result<Self> {
        let (orders, taken) = channel();
        thread::Builder::new().name("alarm".to_owned()).spawn(move || serve(&taken))?;
        Ok(Self { orders })
    }

    /// Returns at `at`, or at once where that is past.
    pub(crate) async fn until(&self, at: Instant) {
        if at <= Instant::now() {
            // Others want their turn, however far behind we are.
            return tokio::task::yield_now().await;
        }
        let (wake, woken) = oneshot::channel();
        let order = Order { at, what: What::Wake(wake) };
        if self.orders.send(order).is_err() || woken.await.is_err() {
            // Only if the thread has died; late is better than never.
            tokio::time::sleep_until(at.into()).await;
        }
    }

    /// Each of `arrivals` at its time after `start`; it ends with them.
    pub(crate) fn arrivals(
        &self,
        start: Instant,
        arrivals: impl Iterator<Item = Arrival> + Send + 'static,
    ) -> mpsc::UnboundedReceiver<Arrival> {
        let (taker, taken) = mpsc::unbounded_channel();
        let mut rest = Box::new(arrivals);
        if let Some(next) = rest.next() {
            let series = Box::new(Series { start, next, rest, taker });
            // Where the thread has died, nothing arrives, and the figures say so.
            let _dead = self.orders.send(series.order());
        }
        taken
    }
}

impl Series {
    fn order(self: Box<Self>) -> Order {
        Order { at: self.start + self.next.at, what: What::Arrive(self) }
    }

    /// Hands the next one over; what is left, where somebody still takes it.
    fn arrive(mut self: Box<Self>) -> Option<Box<Self>> {
        self.taker.send(self.next).ok()?;
        self.next = self.rest.next()?;
        Some(self)
    }
}

fn serve(orders: &Receiver<Order>) {
    let mut waiting: BinaryHeap<Order> = BinaryHeap::new();
    loop {
        let now = Instant::now();
        while waiting.peek().is_some_and(|order| order.at <= now) {
            match waiting.pop().map(|order| order.what) {
                // Whoever does not wait any longer needs no waking.
                Some(What::Wake(task)) => drop(task.send(())),
                Some(What::Arrive(series)) => {
                    waiting.extend(series.arrive().map(Series::order));
                }
                None => {}
            }
        }
        let order = match waiting.peek() {
            Some(next) => orders.recv_timeout(next.at.saturating_duration_since(now)),
            None => orders.recv().map_err(RecvTimeoutError::from),
        };
        match order {
            Ok(order) => waiting.push(order),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The earliest is the greatest, as a heap gives the greatest first.
impl Ord for Order {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for Order {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Order {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Order {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::arrivals::{Arrivals, Spacing};

    #[tokio::test]
    async fn nobody_is_woken_early() {
        let alarm = Alarm::start().expect("a thread");
        let start = Instant::now();
        let woken = |millis| {
            let (alarm, at) = (alarm.clone(), start + Duration::from_millis(millis));
            async move {
                alarm.until(at).await;
                Instant::now() >= at
            }
        };
        assert_eq!(tokio::join!(woken(20), woken(10), woken(0)), (true, true, true));
    }

    #[tokio::test]
    async fn all_arrive_in_order_and_none_early() {
        let alarm = Alarm::start().expect("a thread");
        let start = Instant::now();
        let arrivals = Arrivals::new(2_000.0, Spacing::Poisson, 1).take(100);
        let mut taken = alarm.arrivals(start, arrivals.clone());
        for expected in arrivals {
            let arrival = taken.recv().await;
            assert_eq!(arrival, Some(expected));
            assert!(start.elapsed() >= expected.at, "early");
        }
        assert_eq!(taken.recv().await, None);
    }
}
