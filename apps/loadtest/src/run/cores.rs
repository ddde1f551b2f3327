//! A generator with cores of its own takes none from what it measures.

use anyhow::{Context as _, ensure};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Keeps this thread, and those that it starts from now on, to `cores`; to all where there are none.
///
/// # Errors
/// The machine has no such core, or this process may not use it.
pub fn keep_to(cores: &[usize]) -> anyhow::Result<()> {
    if cores.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for &core in cores {
        ensure!(core < CpuSet::MAX_CPU, "there is no core {core}");
        set.set(core);
    }
    sched_setaffinity(None, &set).with_context(|| format!("keeping to the cores {cores:?}"))
}
