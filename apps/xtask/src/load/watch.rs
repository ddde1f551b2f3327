//! What processes use while they are measured, as Linux tells in `/proc`.

use std::{
    collections::BTreeMap,
    fs,
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use load_report::model::ProcessUse;

/// How often it is looked. A look costs some tens of microseconds for each process.
const EVERY: Duration = Duration::from_millis(100);

/// The most values of memory over time that are kept of one run.
const MOST_KEPT: usize = 600;

/// Who is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    /// The name in the report; several may have the same.
    pub(super) name: String,
    /// The process; its children are counted with it.
    pub(super) pid: u32,
}

/// Looks at processes until it is asked what was seen.
pub(super) struct Watch {
    /// Dropped, it ends the looking.
    stop: mpsc::Sender<()>,
    looking: JoinHandle<Vec<Look>>,
    counts: BTreeMap<String, u32>,
}

/// All of them at one instant.
struct Look {
    /// Microseconds since 1970.
    at: u64,
    /// By name: microseconds of processor time since the start, and resident bytes.
    seen: BTreeMap<String, (u64, u64)>,
}

impl Watch {
    pub(super) fn start(watched: Vec<Watched>) -> Self {
        let mut counts = BTreeMap::new();
        for one in &watched {
            *counts.entry(one.name.clone()).or_default() += 1;
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let looking = std::thread::spawn(move || {
            let mut looks = Vec::new();
            loop {
                looks.push(Look { at: now(), seen: look(&watched) });
                match stopped.recv_timeout(EVERY) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            looks.push(Look { at: now(), seen: look(&watched) });
            looks
        });
        Self { stop, looking, counts }
    }

    /// What was used between two instants, in microseconds since 1970.
    pub(super) fn between(self, from: u64, to: u64) -> BTreeMap<String, ProcessUse> {
        drop(self.stop);
        // Where the thread has panicked nothing was seen, and the report says "not measured".
        let looks = self.looking.join().unwrap_or_default();
        let within: Vec<&Look> =
            looks.iter().filter(|look| (from..=to).contains(&look.at)).collect();
        let use_of = |(name, count): (String, u32)| {
            let resident: Vec<u64> =
                within.iter().filter_map(|look| Some(look.seen.get(&name)?.1)).collect();
            let ends = (resident.first().copied(), resident.last().copied());
            let step = resident.len().div_ceil(MOST_KEPT).max(1);
            let used = ProcessUse {
                count,
                cpu: cpu_at(&looks, &name, to).saturating_sub(cpu_at(&looks, &name, from)),
                resident: (ends.0.unwrap_or_default(), ends.1.unwrap_or_default()),
                resident_peak: resident.iter().copied().max().unwrap_or_default(),
                resident_over_time: resident.into_iter().step_by(step).collect(),
            };
            (name, used)
        };
        self.counts.into_iter().map(use_of).collect()
    }
}

/// Processor time at an instant, on a straight line between the looks before and after it.
fn cpu_at(looks: &[Look], name: &str, at: u64) -> u64 {
    let of = |look: &Look| look.seen.get(name).map_or(0, |seen| seen.0);
    let after = looks.partition_point(|look| look.at < at);
    match (after.checked_sub(1).and_then(|before| looks.get(before)), looks.get(after)) {
        (Some(before), Some(after)) => {
            let share = (at - before.at) as f64 / (after.at - before.at).max(1) as f64;
            let (from, to) = (of(before), of(after));
            from + (to.saturating_sub(from) as f64 * share) as u64
        }
        (Some(only), None) | (None, Some(only)) => of(only),
        (None, None) => 0,
    }
}

fn look(watched: &[Watched]) -> BTreeMap<String, (u64, u64)> {
    let mut seen = BTreeMap::<String, (u64, u64)>::new();
    for one in watched {
        let mut waiting = vec![one.pid];
        while let Some(pid) = waiting.pop() {
            // A process may end between two lines here; then it is not there.
            if let Some(stat) = read_stat(pid) {
                let sum = seen.entry(one.name.clone()).or_default();
                sum.0 += stat.cpu;
                // What a child shares is counted with its parent: a server's buffers are there once.
                let shared = if pid == one.pid { 0 } else { shared(pid) };
                sum.1 += stat.resident.saturating_sub(shared);
            }
            waiting.extend(children(pid));
        }
    }
    seen
}

fn children(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Bytes that a process shares with others.
fn shared(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages = text.split(' ').nth(2).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * rustix::param::page_size() as u64
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// Microseconds, those of children that have ended included.
    cpu: u64,
    /// Bytes.
    resident: u64,
}

fn read_stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let tick = 1_000_000 / rustix::param::clock_ticks_per_second();
    parse_stat(&text, tick, rustix::param::page_size() as u64)
}

/// See proc(5): the fields after the name, which stands in parentheses and may hold anything.
fn parse_stat(text: &str, tick: u64, page: u64) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let number = |position: usize| fields.get(position)?.trim().parse::<u64>().ok();
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some(Stat { cpu: ticks * tick, resident: number(21)? * page })
}

/// Microseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let text = "42 (a ) b) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 9 0 55 1000 25 18";
        let expected = Stat { cpu: 127 * 10_000, resident: 25 * 4096 };
        assert_eq!(parse_stat(text, 10_000, 4096), Some(expected));
    }

    #[test]
    fn this_process_is_seen_working() {
        let watched = Watched { name: "this".to_owned(), pid: std::process::id() };
        let watch = Watch::start(vec![watched]);
        let from = now();
        let mut sum = 0_u64;
        while now() < from + 300_000 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let used = watch.between(from, now());
        let this = &used["this"];
        assert!(this.count == 1 && this.cpu > 0 && this.resident_peak > 1_000_000, "{this:?}");
    }

    #[test]
    fn processor_time_between_two_looks_is_on_a_straight_line() {
        let look = |at, cpu| Look { at, seen: [("p".to_owned(), (cpu, 0))].into() };
        let looks = [look(100, 1_000), look(200, 3_000)];
        assert_eq!(cpu_at(&looks, "p", 150), 2_000);
        assert_eq!(cpu_at(&looks, "p", 50), 1_000);
        assert_eq!(cpu_at(&looks, "p", 250), 3_000);
    }
}
