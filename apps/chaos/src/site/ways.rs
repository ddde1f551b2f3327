//! The ways between the monolith and billing, each through a proxy.

use anyhow::{Context as _, Result};
use xtask::shapes::{Detour, Program};

use super::{BILLING, MONOLITH, address_of, is_replica_of};
use crate::proxy::{Proxy, Weather};

/// Two proxies before each program, which those of the other kind call it through.
#[derive(Debug)]
pub struct Ways(Vec<Way>);

#[derive(Debug)]
struct Way {
    /// The program that it leads to.
    to: String,
    public: Proxy,
    internal: Proxy,
}

impl Ways {
    /// For so many replicas of the monolith and of billing.
    pub(super) async fn lay(replicas: usize) -> Result<Self> {
        let mut ways = Vec::new();
        for program in [MONOLITH, BILLING] {
            for replica in 1..=replicas {
                let (public, internal) = (Proxy::bind().await?, Proxy::bind().await?);
                ways.push(Way { to: replica_name(program, replica), public, internal });
            }
        }
        Ok(Self(ways))
    }

    pub(super) fn detours(&self) -> Vec<Detour> {
        let callers = |way: &Way| {
            let caller = if is_replica_of(&way.to, MONOLITH) { BILLING } else { MONOLITH };
            self.0.iter().filter(move |other| is_replica_of(&other.to, caller))
        };
        let detour = |way: &Way, caller: &Way| Detour {
            from: caller.to.clone(),
            to: way.to.clone(),
            public_url: way.public.url(),
            internal_url: way.internal.url(),
        };
        let ways = self.0.iter();
        ways.flat_map(|way| callers(way).map(move |caller| detour(way, caller))).collect()
    }

    pub(super) fn lead(&self, programs: &[Program]) -> Result<()> {
        for way in &self.0 {
            let target = programs.iter().find(|program| program.name() == way.to);
            let target = target.with_context(|| format!("there is no program {}", way.to))?;
            way.public.lead_to(address_of(&target.public_url())?);
            way.internal.lead_to(address_of(&target.internal_url())?);
        }
        Ok(())
    }

    /// Changes the weather on the ways to billing.
    pub fn to_billing(&self, weather: Weather) {
        for way in self.0.iter().filter(|way| is_replica_of(&way.to, BILLING)) {
            way.public.set(weather);
            way.internal.set(weather);
        }
    }

    /// Changes the weather on all ways.
    pub fn everywhere(&self, weather: Weather) {
        for way in &self.0 {
            way.public.set(weather);
            way.internal.set(weather);
        }
    }

    /// How often bad weather has done something to a connection.
    #[must_use]
    pub fn touched(&self) -> u64 {
        self.0.iter().map(|way| way.public.touched() + way.internal.touched()).sum()
    }
}

/// As shapes name replicas.
fn replica_name(program: &str, replica: usize) -> String {
    if replica == 1 { program.to_owned() } else { format!("{program}#{replica}") }
}
