//! Lines as they come out.

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use telemetry::{Entry, Failed, Rate, TraceLayer, TraceSettings};
use tracing::subscriber::with_default;
use tracing_subscriber::{fmt, layer::SubscriberExt};

use super::*;
use crate::config::LogFormat;

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
/// What a client might send to have a line of its own.
const FORGED: &str = "gone\r\n2026-11-23T00:00:00Z  INFO all is well\u{1b}[2J";

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn work() {
    let failure = io::Error::other(FORGED);
    let request = telemetry::entry(Entry::Begins(TRACE), || {
        tracing::info_span!(
            "http.request",
            otel.kind = "server",
            http.request.method = "GET",
            http.response.status_code = tracing::field::Empty,
        )
    });
    request.in_scope(|| tracing::warn!(path = FORGED, shown = %FORGED, "{FORGED}"));
    request.record("http.response.status_code", 500);
    request.in_scope(|| tracing::error!(error = &failure as &dyn Error, "failed"));
    tracing::info!(duration_ms = 3, "in no trace");
}

/// The lines of `work`.
fn lines(format: LogFormat) -> Vec<String> {
    let written = Written::default();
    let writer = written.clone();
    let traces =
        TraceLayer::new(TraceSettings { rate: Rate::ALL, failed: Failed::Kept, sinks: Vec::new() });
    let registry = tracing_subscriber::registry().with(traces.filtered());
    let lines = fmt::layer().with_writer(move || writer.clone());
    match format {
        LogFormat::Json => {
            let lines = lines.fmt_fields(JsonFields).event_format(JsonLines);
            with_default(registry.with(lines), work);
        }
        LogFormat::Pretty => {
            let lines = lines.fmt_fields(PlainFields).event_format(PlainLines);
            with_default(registry.with(lines.with_ansi(false)), work);
        }
    }
    let bytes = written.0.lock().expect("nobody panicked").clone();
    let text = String::from_utf8(bytes).expect("text");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_line_for_machines_is_one_object_with_the_ids_of_its_trace() {
    let lines: Vec<Value> = lines(LogFormat::Json)
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let [warned, failed, outside] = &lines[..] else { panic!("three lines: {lines:?}") };
    assert_eq!(warned["message"], FORGED);
    assert_eq!(warned["path"], FORGED);
    assert_eq!(warned["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(warned["span_id"], failed["span_id"]);
    assert_eq!(warned["spans"][0]["http.request.method"], "GET");
    assert_eq!(warned["spans"][0].get("otel.kind"), None);
    assert_eq!(failed["spans"][0]["http.response.status_code"], 500);
    assert_eq!(failed["error"], FORGED);
    assert_eq!(outside["duration_ms"], 3);
    assert_eq!(outside.get("trace_id"), None);
}

#[test]
fn what_clients_send_makes_no_line_of_its_own() {
    let lines = lines(LogFormat::Pretty);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(!lines.concat().contains(char::is_control), "{lines:?}");
    assert!(lines[0].contains(r"gone\r\n2026"), "{lines:?}");
    assert!(lines[1].contains(" http.request.method=GET http.response.status_code=500"));
    assert!(lines[1].contains(" trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id="), "{lines:?}");
    assert!(lines[2].ends_with("  INFO in no trace duration_ms=3"), "{lines:?}");
}
