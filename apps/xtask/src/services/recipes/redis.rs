//! Redis, in memory alone: what it holds may be lost at any time.

use anyhow::Result;

use super::alone;
use crate::services::{
    programs::RedisPrograms,
    spec::{Part, Spec, bare},
};

pub(crate) fn parts(spec: &Spec) -> Result<Vec<Part>> {
    let mut command = bare(&RedisPrograms::find()?.server, &spec.folder);
    command.args(["--bind", "127.0.0.1", "--port", &spec.port.to_string()]);
    command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
    Ok(alone(command))
}
