//! Each journey under way may need a connection, and each connection is an open file.

use anyhow::ensure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open besides: files, timers, and connections that are kept a moment longer.
const BESIDES: u64 = 256;

/// Raises this process's own limit of open files as far as `connections` need, and as far as it may.
pub(super) fn allow(connections: usize) -> anyhow::Result<()> {
    let needed = connections as u64 + BESIDES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let most = limit.maximum;
    ensure!(
        most.is_none_or(|most| most >= needed),
        "{connections} journeys under way need {needed} open files, and this process may have \
         {}: raise `ulimit -Hn`, or lower `--most-under-way`",
        most.unwrap_or_default(),
    );
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: most })?;
    Ok(())
}
