//! What brings events: straight to the other module's inbox, or by way of a broker.

use std::sync::Arc;

use module::{PortBus, Ports};
use rabbitmq::{BrokerState, LinkState, RabbitBroker, RabbitConfig};
use seam::{EventBus, EventFeed};
use tokio::runtime::Handle;

use crate::config::{self, Config};

// What engines send at once, programs take at once, with what is around the envelopes.
const _: () = assert!(events::MOST_BYTES <= web::internal::ARGUMENT_LIMIT / 2);

/// What brings the events of this program's modules to others, and those of others to them.
#[derive(Clone)]
pub(crate) enum Bus {
    /// Nothing is between.
    Ports(Arc<PortBus>),
    /// A queue for each module.
    Rabbitmq(Arc<RabbitBroker>),
}

impl Bus {
    /// The bus that the configuration names, for the program `name`. The broker need not be up.
    pub(crate) fn of(config: &Config, ports: &Ports, name: &str) -> anyhow::Result<Self> {
        let broker = &config.rabbitmq;
        match (config.events.bus, &broker.url) {
            (config::Bus::Rabbitmq, Some(url)) => {
                let config = RabbitConfig {
                    prefix: broker.prefix.clone(),
                    prefetch: broker.prefetch,
                    ..RabbitConfig::new(url.clone())
                };
                Ok(Self::Rabbitmq(RabbitBroker::new(config, Handle::current())?))
            }
            (config::Bus::Rabbitmq, None) => anyhow::bail!("`rabbitmq.url` is not set"),
            (config::Bus::Ports, _) => Ok(Self::Ports(Arc::new(PortBus::new(ports.clone(), name)))),
        }
    }

    /// Where engines publish.
    pub(crate) fn publisher(&self) -> Arc<dyn EventBus> {
        match self {
            Self::Ports(ports) => Arc::clone(ports) as Arc<dyn EventBus>,
            Self::Rabbitmq(broker) => Arc::clone(broker) as Arc<dyn EventBus>,
        }
    }

    /// What must be fetched, where events do not come by themselves.
    pub(crate) fn feed(&self) -> Option<Arc<dyn EventFeed>> {
        self.broker().map(|broker| Arc::clone(broker) as Arc<dyn EventFeed>)
    }

    pub(crate) const fn broker(&self) -> Option<&Arc<RabbitBroker>> {
        match self {
            Self::Ports(_) => None,
            Self::Rabbitmq(broker) => Some(broker),
        }
    }
}

/// Whether events come and go.
pub(crate) fn is_up(state: &BrokerState) -> bool {
    let link_is_up = |link: &LinkState| matches!(link, LinkState::Unused | LinkState::Up);
    link_is_up(&state.publishing)
        && link_is_up(&state.consuming)
        && state.feeds.values().all(|feed| feed.consuming)
}
