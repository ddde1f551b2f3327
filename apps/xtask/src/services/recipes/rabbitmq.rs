//! RabbitMQ: a node of its own name with a port mapper of its own, so that no other node on this
//! machine, nor the machine's host name, has a say.

use std::fs;

use anyhow::{Context as _, Result};

use crate::{
    files,
    services::{
        programs::RabbitMqPrograms,
        spec::{Part, Spec, bare},
    },
};

/// Folders and configuration. `guest` may enter, from loopback only, which is the default.
pub(crate) fn prepare(spec: &Spec) -> Result<()> {
    let data = spec.data();
    fs::create_dir_all(&data).with_context(|| format!("making {}", data.display()))?;
    let settings = format!(
        "listeners.tcp.1 = 127.0.0.1:{}\n\
         log.console = true\nlog.console.level = info\nlog.file = false\n\
         disk_free_limit.absolute = 64MB\n",
        spec.port
    );
    files::write(&spec.path("rabbitmq.conf"), &settings)?;
    files::write(&spec.path("enabled_plugins"), "[].\n")?;
    // In place of /etc/rabbitmq/rabbitmq-env.conf.
    files::write(&spec.path("rabbitmq-env.conf"), "")
}

/// Erlang's port mapper, and the broker.
pub(crate) fn parts(spec: &Spec, node_port: u16, mapper_port: u16) -> Result<Vec<Part>> {
    let programs = RabbitMqPrograms::find()?;
    let mapper_port = mapper_port.to_string();
    // Started here: a node that finds none would leave one behind as a daemon.
    let mut mapper = bare(&programs.epmd, &spec.folder);
    mapper.args(["-address", "127.0.0.1", "-port", &mapper_port]);

    let mut broker = bare(&programs.server, &spec.folder);
    broker
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", &mapper_port)
        // The start script becomes the broker then, and does not stay as its parent.
        .env("RUNNING_UNDER_SYSTEMD", "true")
        .env("RABBITMQ_NODENAME", node_name(spec))
        .env("RABBITMQ_DIST_PORT", node_port.to_string())
        .env("RABBITMQ_CONFIG_FILE", spec.path("rabbitmq"))
        .env("RABBITMQ_CONF_ENV_FILE", spec.path("rabbitmq-env.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", spec.path("enabled_plugins"))
        .env("RABBITMQ_MNESIA_BASE", spec.data())
        .env("RABBITMQ_LOG_BASE", spec.data())
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_PID_FILE", spec.path("pid"))
        // Idle, it uses no processor; it is reached from loopback alone.
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
        );
    Ok(vec![Part { command: mapper, is_main: false }, Part { command: broker, is_main: true }])
}

/// The data folder is named after the node, so that it stays the same when ports change.
fn node_name(spec: &Spec) -> String {
    let folder = spec.folder.file_name().map(|name| name.to_string_lossy().into_owned());
    format!("ashlar-{}@localhost", folder.unwrap_or_default())
}
