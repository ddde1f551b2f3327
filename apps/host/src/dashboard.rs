//! Hands the dashboard what it shows. It is there in the profiles `local` and `test` alone.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use dashboard::{Dashboard, Parts, Place, Placed, Rates, ReadSent, Sent};
use module::Ports;
use sandbox::SandboxMailbox;
use seam::ModuleDescriptor;

use crate::{
    catalogue,
    config::Config,
    serve,
    telemetry::{Metrics, Telemetry},
};

/// The rates of calls, where somebody looks at them.
pub(crate) fn rates(
    config: &Config,
    ports: &Ports,
    telemetry: Option<&Telemetry>,
) -> Option<Arc<Rates>> {
    let (ports, telemetry) = (ports.clone(), telemetry.cloned());
    let calls = Arc::new(move || ports.meter().read());
    config.profile.allows_sandbox().then(|| Arc::new(Rates::new(calls, sent(telemetry))))
}

/// The dashboard of a program; none where its rates are not kept.
pub(crate) fn of(
    parts: &serve::Parts<'_>,
    mailbox: &Arc<SandboxMailbox>,
    internal: SocketAddr,
) -> Option<Dashboard> {
    let telemetry = parts.ops.telemetry.as_ref();
    Some(Dashboard::new(Parts {
        program: parts.program,
        modules: catalogue::MODULES.iter().map(|module| placed(module, parts.config)).collect(),
        rates: Arc::clone(parts.rates.as_ref()?),
        engines: parts.ops.engines.clone(),
        traces: telemetry.and_then(|telemetry| telemetry.recent().cloned()),
        mailbox: Arc::clone(mailbox),
        internal,
        clock: Arc::clone(&parts.clock),
    }))
}

fn placed(module: &ModuleDescriptor, config: &Config) -> Placed {
    let place = match config.modules.get(module.name) {
        None => Place::Here,
        Some(remote) => {
            Place::Elsewhere { calls: remote.urls.clone(), pages: remote.public_urls.clone() }
        }
    };
    Placed { name: module.name, place }
}

/// What outboxes have sent, as the program's metrics say.
fn sent(telemetry: Option<Telemetry>) -> ReadSent {
    Arc::new(move || {
        let Some(metrics) = telemetry.as_ref().and_then(Telemetry::metrics) else {
            return Vec::new();
        };
        let mut ways: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
        for (way, events) in by_way(metrics, "ashlar_outbox_sent_total") {
            ways.entry(way).or_default().0 += events;
        }
        for (way, refusals) in by_way(metrics, "ashlar_outbox_failures_total") {
            ways.entry(way).or_default().1 += refusals;
        }
        let sent = ways.into_iter().map(|((module, destination), (events, refusals))| Sent {
            module,
            destination,
            events,
            refusals,
        });
        sent.collect()
    })
}

/// A counter of the outbox, by module and destination.
fn by_way(metrics: &Metrics, name: &str) -> Vec<((String, String), u64)> {
    let ways = metrics.series(name).into_iter().filter_map(|(mut labels, value)| {
        Some(((labels.remove("module")?, labels.remove("destination")?), value as u64))
    });
    ways.collect()
}
