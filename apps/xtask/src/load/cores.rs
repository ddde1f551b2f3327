//! Cores of its own for the generator, where the machine has enough.

use std::{num::NonZero, thread};

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// With fewer cores than this, one for the generator alone would be missed by what is measured: two
/// programs, a database and a broker.
const ENOUGH: usize = 4;
/// One core in so many is the generator's.
const ONE_IN: usize = 4;

/// Who has which cores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cores {
    /// How many there are.
    pub(super) all: usize,
    /// The generator's own, where it has some.
    pub(super) generator: Option<Vec<usize>>,
}

impl Cores {
    /// All for all.
    pub(super) fn shared() -> Self {
        let all = thread::available_parallelism().map_or(0, NonZero::get);
        Self { all, generator: None }
    }

    /// Divides the cores that this process may use, and leaves it, and whatever it starts, those
    /// that are not the generator's. Call it before there are other threads.
    pub(super) fn divide() -> Result<Self> {
        let allowed = sched_getaffinity(None).context("asking for this process's cores")?;
        let allowed: Vec<usize> =
            (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        let (others, generator) = split(&allowed);
        if generator.is_some() {
            let mut set = CpuSet::new();
            others.iter().for_each(|core| set.set(*core));
            sched_setaffinity(None, &set).context("keeping off the generator's cores")?;
        }
        Ok(Self { all: allowed.len(), generator })
    }
}

/// What is measured, and the generator.
fn split(allowed: &[usize]) -> (Vec<usize>, Option<Vec<usize>>) {
    if allowed.len() < ENOUGH {
        return (allowed.to_vec(), None);
    }
    let (others, generator) = allowed.split_at(allowed.len() - allowed.len() / ONE_IN);
    (others.to_vec(), Some(generator.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_machine_is_shared_and_a_larger_one_divided() {
        assert_eq!(split(&[0, 1]), (vec![0, 1], None));
        assert_eq!(split(&[0, 1, 2, 5]), (vec![0, 1, 2], Some(vec![5])));
        let (others, generator) = split(&(0..16).collect::<Vec<_>>());
        assert_eq!((others.len(), generator), (12, Some(vec![12, 13, 14, 15])));
    }
}
