//! What the machine, or the container, has for the program.

use super::situation::Machine;

/// As the system tells it; nothing of what it does not.
pub(super) fn machine() -> Machine {
    let cores = std::thread::available_parallelism().ok().map(|cores| cores.get() as f64);
    Machine { cores, memory: memory() }
}

/// The container's limit, where there is one below what the machine has.
#[cfg(target_os = "linux")]
fn memory() -> Option<f64> {
    use procfs::Current as _;

    let machine = procfs::Meminfo::current().ok().map(|memory| memory.mem_total as f64);
    // Version 2 of control groups; a group without a limit says `max`.
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|limit| limit.trim().parse::<f64>().ok());
    [machine, limit].into_iter().flatten().reduce(f64::min)
}

#[cfg(not(target_os = "linux"))]
const fn memory() -> Option<f64> {
    None
}
