//! What is done to the system, and when.

mod clock;
mod engines;
mod network;
mod pace;
mod points;
mod process;
mod schedule;
mod stampede;

use std::{str::FromStr, time::Duration};

use anyhow::{Result, bail};
use rand::{RngExt, rngs::StdRng};
use serde::{Deserialize, Serialize};

pub use self::{
    pace::Pace,
    schedule::{Inflicted, Schedule, applicable, read_timeline},
};
use crate::{
    journey::Traffic,
    options::{EngineKind, Promise},
    proxy::Weather,
    site::{BILLING, Form, MONOLITH, Site, Stop},
};

/// Declares the faults with the names that options and reports use.
macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident = $name:literal,)+) => {
        /// Something that is done to the system.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum Fault {
            $($(#[$doc])* #[serde(rename = $name)] $fault,)+
        }

        impl Fault {
            /// All that there are.
            pub const ALL: &[Self] = &[$(Self::$fault,)+];

            /// Its name in options and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)+
                }
            }
        }
    };
}

faults! {
    /// `kill -9` of the monolith at a random instant.
    KillMonolith = "kill-monolith",
    /// `kill -9` of billing's own program.
    KillBilling = "kill-billing",
    /// SIGSTOP of the monolith for some seconds, and SIGCONT.
    StopMonolith = "stop-monolith",
    /// The same of billing's own program.
    StopBilling = "stop-billing",
    /// Killed after the intent to charge is committed, before the provider is asked.
    KillBeforeCharge = "kill-before-charge",
    /// Killed after the provider has charged, before that is committed.
    KillAfterCharge = "kill-after-charge",
    /// Killed after the settlement is committed, before the client is answered.
    KillBeforeAnswer = "kill-before-answer",
    /// Killed after events were published, before they are marked as sent.
    KillAfterPublish = "kill-after-publish",
    /// Killed inside the transaction of an effect.
    KillInEffect = "kill-in-effect",
    /// Killed after an effect is committed, before that is acknowledged.
    KillBeforeAck = "kill-before-ack",
    /// Killed after a mail was handed over, before that is noted.
    KillAfterMail = "kill-after-mail",
    /// A relay stands still for longer than its leases, with a batch in hand, and goes on.
    PausedRelay = "paused-relay",
    /// An event that the receiver can only park comes ahead of good ones under the same key.
    Poison = "poison",
    /// A hundred requests at once under one key.
    Stampede = "stampede",
    /// All clocks go ten minutes forward, and back.
    ClockForward = "clock-forward",
    /// All clocks go ten minutes back, and forward.
    ClockBack = "clock-back",
    /// Billing's clock alone is wrong by ten minutes.
    ClockApart = "clock-apart",
    /// Billing cannot be reached from the monolith, nor the reverse.
    NetworkCut = "network-cut",
    /// Nothing arrives, and nobody is told.
    NetworkSilent = "network-silent",
    /// Everything between the two is late.
    NetworkSlow = "network-slow",
    /// Connections are reset in the middle of answers.
    NetworkReset = "network-reset",
    /// Billing answers what is no HTTP, or what is not billing's.
    BillingGarbage = "billing-garbage",
    /// A transaction that wrote to the outbox commits late, behind others.
    LateCommit = "late-commit",
    /// Killed after an event's effect is committed, before the broker is told.
    KillBeforeBrokerAck = "kill-before-broker-ack",
    /// Killed after a commit, before the outbox rows of it are written: they are apart only where
    /// the outbox is broken on purpose.
    KillBeforeOutbox = "kill-before-outbox",
    /// A second process, whose relay works beside the first one's, goes and comes again.
    SecondRelay = "second-relay",
    /// PostgreSQL restarts, with what is open rolled back.
    DatabaseFast = "database-fast",
    /// PostgreSQL restarts without taking leave, and recovers.
    DatabaseImmediate = "database-immediate",
    /// PostgreSQL is killed, all of its processes.
    DatabaseKilled = "database-killed",
    /// PostgreSQL stands still for some seconds.
    DatabaseFrozen = "database-frozen",
    /// RabbitMQ restarts.
    BrokerRestart = "broker-restart",
    /// RabbitMQ is killed, and away for a while.
    BrokerDown = "broker-down",
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match Self::ALL.iter().find(|fault| fault.name() == name) {
            Some(fault) => Ok(*fault),
            None => {
                let known: Vec<&str> = Self::ALL.iter().map(|fault| fault.name()).collect();
                bail!("there is no fault `{name}`; there are {}", known.join(", "))
            }
        }
    }
}

/// What faults are inflicted with.
#[derive(Debug)]
pub(crate) struct Hand<'a> {
    pub(crate) site: &'a Site,
    pub(crate) traffic: &'a Traffic,
    pub(crate) dice: &'a mut StdRng,
    pub(crate) pace: Pace,
    /// How often this fault was tried before in the run.
    pub(crate) before: u32,
}

/// Whether a fault came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Yes,
    /// The moment for it did not come.
    No,
}

impl Happened {
    const fn when(condition: bool) -> Self {
        if condition { Self::Yes } else { Self::No }
    }
}

impl Hand<'_> {
    /// Inflicts `fault` and heals it.
    pub(crate) async fn inflict(&mut self, fault: Fault) -> Result<Happened> {
        match fault {
            Fault::KillMonolith => self.kill(MONOLITH).await,
            Fault::KillBilling => self.kill(BILLING).await,
            Fault::StopMonolith => self.freeze(MONOLITH).await,
            Fault::StopBilling => self.freeze(BILLING).await,
            Fault::KillBeforeCharge => self.die_at("billing::intent_before_charge").await,
            Fault::KillAfterCharge => self.die_at("billing::charged_before_commit").await,
            Fault::KillBeforeAnswer => self.die_at("billing::settled_before_answer").await,
            Fault::KillAfterPublish => self.die_at("events::published_before_mark_sent").await,
            Fault::KillInEffect => self.die_at("events::effect_before_commit").await,
            Fault::KillBeforeAck => self.die_at("events::effect_before_ack").await,
            Fault::KillAfterMail => self.die_at("notifications::handed_over_before_noted").await,
            Fault::PausedRelay => self.pause_relay().await,
            Fault::Poison => self.poison().await,
            Fault::Stampede => self.stampede().await,
            Fault::ClockForward => self.clock("600").await,
            Fault::ClockBack => self.clock("-600").await,
            Fault::ClockApart => {
                let wrong = if self.dice.random_bool(0.5) { "600" } else { "-600" };
                self.clock(&format!("{BILLING} {wrong}")).await
            }
            Fault::NetworkCut => self.storm(Weather::Cut).await,
            Fault::NetworkSilent => self.storm(Weather::Silent).await,
            Fault::NetworkSlow => {
                let late = Duration::from_millis(self.dice.random_range(200..1_200));
                self.storm(Weather::Slow(late)).await
            }
            Fault::NetworkReset => {
                let most = self.dice.random_range(1..400);
                self.storm(Weather::ResetAfter(most)).await
            }
            Fault::BillingGarbage => {
                let noise = self.dice.random_bool(0.5);
                self.storm_at_billing(if noise { Weather::Noise } else { Weather::Stranger }).await
            }
            Fault::LateCommit => self.late_commit().await,
            Fault::KillBeforeBrokerAck => self.die_at("rabbitmq::delivered_before_ack").await,
            Fault::KillBeforeOutbox => self.die_at("storage::committed_before_outbox").await,
            Fault::SecondRelay => {
                let both = self.site.form() == Form::Billing && self.dice.random_bool(0.5);
                self.second_relay(if both { BILLING } else { MONOLITH }).await
            }
            Fault::DatabaseFast => self.database(Stop::Fast).await,
            Fault::DatabaseImmediate => self.database(Stop::Immediate).await,
            Fault::DatabaseKilled => self.database(Stop::Kill).await,
            Fault::DatabaseFrozen => self.freeze_database().await,
            Fault::BrokerRestart => self.restart_broker().await,
            Fault::BrokerDown => self.kill_broker().await,
        }
    }
}

impl Fault {
    /// The faults of the short campaign: kills at named points, restarts, and what goes with two
    /// replicas.
    pub const SHORT: &[Self] = &[
        Self::KillMonolith,
        Self::KillBilling,
        Self::KillAfterCharge,
        Self::KillAfterPublish,
        Self::KillBeforeBrokerAck,
        Self::KillBeforeAck,
        Self::KillAfterMail,
        Self::LateCommit,
        Self::Poison,
        Self::Stampede,
        Self::NetworkCut,
        Self::DatabaseFast,
        Self::DatabaseImmediate,
        Self::BrokerRestart,
        Self::BrokerDown,
        Self::SecondRelay,
    ];

    /// Whether it can be inflicted on a system of that form, on that ground, of which that promise
    /// is broken.
    #[must_use]
    pub fn applies_to(self, form: Form, ground: EngineKind, broken: Option<Promise>) -> bool {
        let suits_promises = self != Self::KillBeforeOutbox || broken == Some(Promise::Outbox);
        self.suits(form) && self.suits_ground(ground) && suits_promises
    }

    const fn suits_ground(self, ground: EngineKind) -> bool {
        let needs_engines = matches!(
            self,
            Self::KillBeforeBrokerAck
                | Self::SecondRelay
                | Self::DatabaseFast
                | Self::DatabaseImmediate
                | Self::DatabaseKilled
                | Self::DatabaseFrozen
                | Self::BrokerRestart
                | Self::BrokerDown
        );
        match ground {
            EngineKind::Embedded => !needs_engines,
            EngineKind::Real => true,
        }
    }

    const fn suits(self, form: Form) -> bool {
        let needs_two_programs = matches!(
            self,
            Self::KillBilling
                | Self::StopBilling
                | Self::ClockApart
                | Self::NetworkCut
                | Self::NetworkSilent
                | Self::NetworkSlow
                | Self::NetworkReset
                | Self::BillingGarbage
        );
        match form {
            Form::Monolith => !needs_two_programs,
            Form::Billing => true,
        }
    }
}
