//! What a program takes that was built for campaigns: points that are armed from the start, the
//! operators' routes that arm others, and a clock that can be moved. No other program contains it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self as actix, Data, ServiceConfig},
};
use kernel::{Clock, SystemClock, Timestamp};
use serde::Deserialize;
use web::{ApiPath, Problem};

use crate::{config::Section, ops::Ops};

/// `[failpoints]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FailpointSection {
    /// `module::point=actions`, armed before anything starts.
    arm: Vec<String>,
    /// Holds by how many seconds clocks are wrong: of all programs, or on lines like
    /// `monolith 600` of one. Read each time somebody asks for the time, so that a clock is as
    /// wrong after a restart.
    clock_file: Option<PathBuf>,
}

/// Arms what the section names; the clock that `program` goes by.
pub(crate) fn configure(mut section: Section<'_>, program: &'static str) -> Arc<dyn Clock> {
    let FailpointSection { arm, clock_file } = section.read();
    for entry in arm {
        let armed = match entry.split_once('=') {
            Some((name, actions)) => failpoints::arm(name, actions).map_err(|error| error.0),
            None => Err("is `module::point=actions`".to_owned()),
        };
        if let Err(what) = armed {
            section.mistake("arm", format!("`{entry}`: {what}"));
        }
    }
    match clock_file {
        Some(file) => Arc::new(MovedClock { program, file }),
        None => Arc::new(SystemClock),
    }
}

/// The machine's clock, wrong by what the file says.
struct MovedClock {
    program: &'static str,
    file: PathBuf,
}

impl MovedClock {
    fn seconds(&self) -> i64 {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        let of_line = |line: &str| match line.split_once(' ') {
            None => line.parse::<i64>().ok(),
            Some((program, seconds)) if program == self.program => seconds.parse().ok(),
            Some(_) => None,
        };
        text.lines().filter_map(of_line).sum()
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        let (now, seconds) = (SystemClock.now(), self.seconds());
        let by = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 { now - by } else { now + by }
    }
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/failpoints", actix::get().to(show))
        .route("/failpoints/{name}", actix::put().to(arm))
        .route("/failpoints/{name}", actix::delete().to(disarm));
}

#[derive(Deserialize)]
struct Point {
    name: String,
}

async fn show(ops: Data<Ops>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    let (armed, reached) = (failpoints::armed(), failpoints::reached());
    Ok(HttpResponse::Ok().json(serde_json::json!({ "armed": armed, "reached": reached })))
}

async fn arm(
    ops: Data<Ops>,
    request: HttpRequest,
    point: ApiPath<Point>,
    actions: String,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    failpoints::arm(&point.name, &actions).map_err(|error| Problem::invalid_parameter(error.0))?;
    Ok(HttpResponse::NoContent().finish())
}

async fn disarm(
    ops: Data<Ops>,
    request: HttpRequest,
    point: ApiPath<Point>,
) -> Result<HttpResponse, Problem> {
    ops.authorise(&request)?;
    failpoints::disarm(&point.name);
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_wrong_by_what_the_file_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("clock");
        let clock = MovedClock { program: "monolith", file: path.clone() };
        let minute = Duration::from_secs(60);
        assert!(clock.now().since(SystemClock.now()) < minute, "no file: it is right");
        std::fs::write(&path, "600\n").expect("it can be written");
        assert!(clock.now().since(SystemClock.now()) > 9 * minute);
        std::fs::write(&path, "-600\n").expect("it can be written");
        assert!(SystemClock.now().since(clock.now()) > 9 * minute);
        std::fs::write(&path, "billing-service 600\n").expect("it can be written");
        assert!(clock.now().since(SystemClock.now()) < minute, "another program's");
        std::fs::write(&path, "0\nmonolith 600\n").expect("it can be written");
        assert!(clock.now().since(SystemClock.now()) > 9 * minute);
    }
}
