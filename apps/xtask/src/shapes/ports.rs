//! Addresses for programs that must know each other's before the first of them runs.

use std::{
    env, fs,
    fs::File,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    net::{Ipv4Addr, TcpListener},
};

use anyhow::{Context as _, Result, bail};

/// Below the range that the system gives to outgoing connections, so that none of those takes a
/// port between its choice and its use.
const FREE_PORTS: std::ops::Range<u64> = 20_000..32_000;
/// Looked at before giving up.
const MOST_TRIES: usize = 500;

/// Which ports the programs bind to, on loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Any that are free; several shapes may run beside each other.
    Free,
    /// The monolith on `public` and `public` + 1000 (internal), the extracted modules on the
    /// numbers after these.
    From {
        /// The public origin's port: 1 to 64,000.
        public: u16,
    },
}

/// A program's two ports, which are no other shape's for as long as this lives.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) public: u16,
    pub(super) internal: u16,
    _leases: Vec<File>,
}

impl Ports {
    /// Ports for the program at `position`; the monolith is the first.
    pub(super) fn of_program(self, position: usize) -> Result<Listeners> {
        match self {
            Self::Free => {
                let ((public, first), (internal, second)) = (lease()?, lease()?);
                Ok(Listeners { public, internal, _leases: vec![first, second] })
            }
            Self::From { public } => {
                let fixed = |base: u16| {
                    let port = u16::try_from(position).ok().and_then(|n| base.checked_add(n));
                    port.filter(|port| *port > 0).context("--public-port is between 1 and 64000")
                };
                let internal = public.checked_add(1000);
                let internal = internal.context("--public-port is between 1 and 64000")?;
                let (public, internal) = (fixed(public)?, fixed(internal)?);
                for port in [public, internal] {
                    if !is_free(port) {
                        bail!(
                            "port {port} is in use: stop what uses it, or choose others with \
                             --public-port"
                        );
                    }
                }
                Ok(Listeners { public, internal, _leases: Vec::new() })
            }
        }
    }
}

/// A port that nothing listens on and that no other test holds.
pub(crate) fn lease() -> Result<(u16, File)> {
    // One for each user: another's files cannot be locked.
    let user = rustix::process::getuid().as_raw();
    let folder = env::temp_dir().join(format!("ashlar-ports-{user}"));
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let count = FREE_PORTS.end - FREE_PORTS.start;
    // The standard library's hasher is seeded at random, which is all the randomness wanted here.
    let begin = RandomState::new().build_hasher().finish();
    for step in 0..MOST_TRIES as u64 {
        let number = FREE_PORTS.start + begin.wrapping_add(step) % count;
        let Ok(port) = u16::try_from(number) else { continue };
        let path = folder.join(port.to_string());
        let lock = File::create(&path).with_context(|| format!("making {}", path.display()))?;
        if lock.try_lock().is_ok() && is_free(port) {
            return Ok((port, lock));
        }
    }
    bail!("no free port between {} and {}", FREE_PORTS.start, FREE_PORTS.end);
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leased_port_is_nobody_elses() {
        let leased: Vec<_> = (0..20).map(|_| lease().expect("enough are free")).collect();
        let mut ports: Vec<u16> = leased.iter().map(|(port, _)| *port).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 20);
    }

    #[test]
    fn a_port_in_use_is_named() {
        let (port, _lease) = lease().expect("enough are free");
        let _other = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("it was free");
        let refused = Ports::From { public: port }.of_program(0).expect_err("it is in use");
        assert!(refused.to_string().starts_with(&format!("port {port} is in use")));
    }

    #[test]
    fn a_port_is_a_port() {
        for public in [0, 64_900] {
            let refused = Ports::From { public }.of_program(0).expect_err("out of bounds");
            assert!(refused.to_string().contains("--public-port"), "{refused}");
        }
    }
}
