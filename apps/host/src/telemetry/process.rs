//! What the program takes of the machine, as the system counts it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use telemetry::metrics::{Asked, KeyValue};

const UPTIME: Asked =
    Asked { name: "process.uptime", unit: "s", description: "Since the program was started" };

const TIME: Asked = Asked {
    name: "process.cpu.time",
    unit: "s",
    description: "Processor time that the program took",
};

const MEMORY: Asked = Asked {
    name: "process.memory.usage",
    unit: "By",
    description: "Memory of the program that is in use",
};

const FILES: Asked = Asked {
    name: "process.open_file_descriptor.count",
    unit: "{file_descriptor}",
    description: "Files and connections that are open",
};

/// Has the program's metrics tell it. Where the system does not say, nothing is told.
pub(super) fn tell() {
    let started = Instant::now();
    UPTIME.gauge(move |observer| observer.observe(started.elapsed().as_secs_f64(), &[]));
    let reading = Arc::new(Reading::default());
    let first = Arc::clone(&reading);
    TIME.sum(move |observer| {
        let Some(used) = first.begin() else { return };
        for (mode, seconds) in [("user", used.user), ("system", used.system)] {
            observer.observe(seconds, &[KeyValue::new("cpu.mode", mode)]);
        }
    });
    MEMORY.gauge(move |observer| {
        if let Some(used) = reading.end() {
            observer.observe(used.memory as f64, &[]);
        }
    });
    FILES.gauge(|observer| {
        if let Some(open) = open_files() {
            observer.observe(open as f64, &[]);
        }
    });
}

/// What was read for the first of two figures, and left for the second: figures are asked for in the
/// order in which [`tell`] makes them.
#[derive(Default)]
struct Reading(Mutex<Option<Used>>);

impl Reading {
    fn begin(&self) -> Option<Used> {
        let used = used();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = used;
        used
    }

    /// Where another reader of metrics was quicker, it is read again.
    fn end(&self) -> Option<Used> {
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        begun.or_else(used)
    }
}

#[derive(Clone, Copy)]
struct Used {
    /// Seconds.
    user: f64,
    system: f64,
    /// Bytes.
    memory: u64,
}

#[cfg(target_os = "linux")]
fn used() -> Option<Used> {
    let stat = procfs::process::Process::myself().ok()?.stat().ok()?;
    let ticks = procfs::ticks_per_second() as f64;
    Some(Used {
        user: stat.utime as f64 / ticks,
        system: stat.stime as f64 / ticks,
        memory: stat.rss * procfs::page_size(),
    })
}

#[cfg(target_os = "linux")]
fn open_files() -> Option<u64> {
    let number = procfs::process::Process::myself().ok()?.fd_count().ok()?;
    Some(number as u64)
}

#[cfg(not(target_os = "linux"))]
const fn used() -> Option<Used> {
    None
}

#[cfg(not(target_os = "linux"))]
const fn open_files() -> Option<u64> {
    None
}
