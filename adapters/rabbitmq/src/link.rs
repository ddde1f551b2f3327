use std::{
    sync::{Mutex as StdMutex, PoisonError},
    time::Duration,
};

use lapin::{Channel, Connection, ConnectionProperties, uri::AMQPUri};
use seam::resilience::Backoff;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{LinkState, RabbitError, config::Settings};

/// A connection that is made when it is asked for, and made again when it broke.
pub(crate) struct Link {
    uri: AMQPUri,
    role: &'static str,
    /// As the broker's list of connections shows it.
    name: String,
    connect_time: Duration,
    backoff: Backoff,
    slot: Mutex<Slot>,
    /// What is known of the connection without waiting for whoever makes it.
    known: StdMutex<Known>,
}

#[derive(Default)]
struct Slot {
    connection: Option<Connection>,
    failures: u32,
    /// No attempt before, so that many callers together do not hammer a broker that comes up.
    not_before: Option<Instant>,
}

#[derive(Clone, Default)]
struct Known {
    status: Option<lapin::ConnectionStatus>,
    failures: u32,
}

impl Link {
    pub(crate) fn new(settings: &Settings, role: &'static str) -> Self {
        Self {
            uri: settings.uri.clone(),
            role,
            name: format!("{} {role}", settings.prefix),
            connect_time: settings.connect_time,
            backoff: settings.backoff,
            slot: Mutex::default(),
            known: StdMutex::default(),
        }
    }

    /// A new channel. Asked for on the runtime that connections live on.
    ///
    /// # Errors
    /// There is no connection and none is to be had now, or it is blocked.
    pub(crate) async fn channel(&self) -> Result<Channel, RabbitError> {
        let mut slot = self.slot.lock().await;
        let connection = self.connected(&mut slot).await?;
        // To a blocked connection nothing is written, not even this.
        if connection.status().blocked() {
            return Err(RabbitError::Blocked);
        }
        match timeout(self.connect_time, connection.create_channel()).await {
            Ok(opened) => opened.map_err(RabbitError::broken("opening a channel")),
            Err(_) => Err(RabbitError::TooSlow { doing: "opening a channel" }),
        }
    }

    /// Whether the broker has said that it takes nothing.
    pub(crate) fn is_blocked(&self) -> bool {
        self.state() == LinkState::Blocked
    }

    pub(crate) fn state(&self) -> LinkState {
        let Known { status, failures } = self.known().clone();
        match status {
            Some(status) if status.connected() && status.blocked() => LinkState::Blocked,
            Some(status) if status.connected() => LinkState::Up,
            Some(_) => LinkState::Down { failures },
            None if failures > 0 => LinkState::Down { failures },
            None => LinkState::Unused,
        }
    }

    async fn connected<'a>(&self, slot: &'a mut Slot) -> Result<&'a Connection, RabbitError> {
        let is_up = slot.connection.as_ref().is_some_and(|made| made.status().connected());
        if !is_up {
            let again_in = slot.not_before.map(|due| due.duration_since(Instant::now()));
            if let Some(again_in) = again_in.filter(|left| !left.is_zero()) {
                return Err(RabbitError::Down { again_in });
            }
            match self.connect().await {
                Ok(made) => self.came_up(slot, made),
                Err(error) => {
                    self.stayed_down(slot, &error);
                    return Err(error);
                }
            }
        }
        slot.connection.as_ref().ok_or(RabbitError::Down { again_in: Duration::ZERO })
    }

    async fn connect(&self) -> Result<Connection, RabbitError> {
        let properties =
            ConnectionProperties::default().with_connection_name(self.name.as_str().into());
        let connecting = Connection::connect_uri(self.uri.clone(), properties);
        match timeout(self.connect_time, connecting).await {
            Ok(connected) => connected.map_err(RabbitError::Unreachable),
            Err(_) => Err(RabbitError::TooSlow { doing: "connecting" }),
        }
    }

    fn came_up(&self, slot: &mut Slot, made: Connection) {
        *self.known() = Known { status: Some(made.status().clone()), failures: 0 };
        *slot = Slot { connection: Some(made), ..Slot::default() };
        tracing::info!(role = self.role, "connected to RabbitMQ");
    }

    fn stayed_down(&self, slot: &mut Slot, error: &RabbitError) {
        slot.connection = None;
        slot.failures = slot.failures.saturating_add(1);
        slot.not_before = Some(Instant::now() + self.backoff.wait(slot.failures));
        *self.known() = Known { status: None, failures: slot.failures };
        // Once when it begins: an outage is one thing to know, however long it lasts.
        if slot.failures == 1 {
            tracing::warn!(
                role = self.role,
                error = error as &dyn std::error::Error,
                "RabbitMQ cannot be reached and is tried again and again"
            );
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
