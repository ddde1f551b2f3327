//! What the machine, or the container, has for the program.

use std::thread::available_parallelism;

use super::situation::Machine;

/// As the system tells it; nothing of what it does not.
#[cfg(target_os = "linux")]
pub(super) fn machine() -> Machine {
    use procfs::Current as _;

    let group = limits::group();
    // With a quota the library tells whole cores only, and no fewer than one.
    let cores = match group.cores {
        Some(quota) => affinity().map(|cores| quota.min(cores)),
        None => parallelism(),
    };
    let installed = procfs::Meminfo::current().ok().map(|memory| memory.mem_total as f64);
    let memory = [installed, group.memory].into_iter().flatten().reduce(f64::min);
    Machine { cores, memory }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn machine() -> Machine {
    Machine { cores: parallelism(), memory: None }
}

fn parallelism() -> Option<f64> {
    available_parallelism().ok().map(|cores| cores.get() as f64)
}

/// The cores that the program may run on.
#[cfg(target_os = "linux")]
fn affinity() -> Option<f64> {
    rustix::thread::sched_getaffinity(None).ok().map(|cores| f64::from(cores.count()))
}

/// What control groups allow (version 2; of the first, the library tells the cores).
#[cfg(target_os = "linux")]
mod limits {
    use std::{fs, path::Path};

    /// Where version 2 is found.
    const ROOT: &str = "/sys/fs/cgroup";

    /// Nothing where there is no limit.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub(super) struct Limits {
        /// Processor seconds a second.
        pub(super) cores: Option<f64>,
        /// Bytes.
        pub(super) memory: Option<f64>,
    }

    /// Of this process's own group.
    pub(super) fn group() -> Limits {
        let groups = procfs::process::Process::myself().and_then(|process| process.cgroups());
        let groups = groups.map(|groups| groups.0).unwrap_or_default();
        let own = groups.into_iter().find(|group| group.hierarchy == 0);
        own.map_or(Limits::default(), |own| of_group(Path::new(ROOT), &own.pathname))
    }

    /// The least of `group` and of all that it is in: each has a part of what the one around it has.
    pub(super) fn of_group(root: &Path, group: &str) -> Limits {
        let least = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let folders = Path::new(group.trim_start_matches('/')).ancestors();
        folders.map(|folder| root.join(folder)).fold(Limits::default(), |limits, folder| Limits {
            cores: least(limits.cores, cores(&folder)),
            memory: least(limits.memory, memory(&folder)),
        })
    }

    /// A quota within a period, both microseconds; `max` is none.
    fn cores(folder: &Path) -> Option<f64> {
        let limit = fs::read_to_string(folder.join("cpu.max")).ok()?;
        let (quota, period) = limit.trim().split_once(' ')?;
        let (quota, period) = (quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?);
        (period > 0.0).then_some(quota / period)
    }

    fn memory(folder: &Path) -> Option<f64> {
        fs::read_to_string(folder.join("memory.max")).ok()?.trim().parse().ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs, path::Path};

    use super::{
        limits::{Limits, of_group},
        *,
    };

    fn allow(folder: &Path, cpu: &str, memory: &str) {
        fs::create_dir_all(folder).expect("a folder");
        fs::write(folder.join("cpu.max"), format!("{cpu}\n")).expect("a limit");
        fs::write(folder.join("memory.max"), format!("{memory}\n")).expect("a limit");
    }

    #[test]
    fn the_least_of_all_groups_around_counts() {
        let root = tempfile::tempdir().expect("a folder");
        let slice = root.path().join("system.slice");
        allow(&slice, "150000 100000", "max");
        allow(&slice.join("ashlar.service"), "max 100000", "536870912");
        allow(&slice.join("other.service"), "20000 100000", "1048576");
        let limits = |group| of_group(root.path(), group);
        let own = Limits { cores: Some(1.5), memory: Some(536_870_912.0) };
        assert_eq!(limits("/system.slice/ashlar.service"), own);
        assert_eq!(limits("/system.slice"), Limits { memory: None, ..own });
        // Within a container its own group is the root.
        assert_eq!(limits("/"), Limits::default());
        assert_eq!(limits("/gone.slice"), Limits::default());
    }

    #[test]
    fn there_is_something_to_run_on() {
        let Machine { cores, memory } = machine();
        assert!(cores > Some(0.0) && memory > Some(0.0), "{cores:?} {memory:?}");
    }
}
