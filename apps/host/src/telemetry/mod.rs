//! What a program tells of its work: the log, traces, metrics and faults.

mod level;
mod lines;
mod metrics;
mod process;

use std::{io::IsTerminal, sync::Arc, thread, time::Duration};

use dashboard::RecentTraces;
use kernel::CallId;
use opentelemetry_sdk::Resource;
use otlp::{Exported, OtlpConfig, OtlpTraces, Service};
use sentry_errors::{SentryConfig, SentryTracker};
use telemetry::{
    Failed, Figures, TraceLayer, TraceSettings, TraceSink,
    conventions::SPAN_KIND,
    errors::{ErrorDesk, ErrorTracker, watch_panics},
};
use tokio::runtime::Handle;
use tracing::Level;
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, LevelFilter, filter_fn},
    fmt,
    layer::SubscriberExt,
    reload,
    util::SubscriberInitExt,
};

pub(crate) use self::level::{LevelError, LogLevel};
use self::lines::{JsonFields, JsonLines, PlainFields, PlainLines};
pub(crate) use self::metrics::Metrics;
use crate::config::{Config, LogFormat, MetricsAccess, Mistakes, Profile};

/// What the last traces and metrics get at the end of a program to come to the collector, each; and
/// the last faults to come to their tracker, meanwhile.
const FAREWELL: Duration = Duration::from_secs(2);

/// Checks `log.level`.
pub(crate) fn check(config: &Config, mistakes: &mut Mistakes) {
    if let Err(error) = level::parse(&config.log.level) {
        mistakes.add("log.level", error);
    }
}

/// The program's version.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The log and the traces of this process, until it ends. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Telemetry {
    traces: TraceLayer,
    collector: Option<Arc<OtlpTraces>>,
    /// The last of them, where there is a dashboard that shows them.
    recent: Option<Arc<RecentTraces>>,
    metrics: Option<Metrics>,
    tracker: Option<Arc<SentryTracker>>,
    level: LogLevel,
}

impl Telemetry {
    /// Starts all of it for the whole process; exports run on `runtime`. A second start, as in tests,
    /// changes nothing.
    pub(crate) fn start(
        name: &'static str,
        config: &Config,
        runtime: &Handle,
    ) -> anyhow::Result<Self> {
        let service = service(name, config);
        let otlp = otlp_config(config);
        let collector = match &otlp {
            Some(otlp) => Some(Arc::new(OtlpTraces::new(otlp, &service, runtime.clone())?)),
            None => None,
        };
        let metrics = match config.metrics_access() {
            MetricsAccess::Off => None,
            MetricsAccess::Open | MetricsAccess::Operators => {
                let every = Duration::from_millis(config.telemetry.metrics_every_ms);
                let reader = otlp.map(|otlp| otlp::metrics(&otlp, every, runtime.clone()));
                Some(Metrics::start(service, reader.transpose()?)?)
            }
        };
        let recent = config.keeps_recent_traces().then(|| Arc::new(RecentTraces::new()));
        let collected = collector.iter().map(|sink| Arc::clone(sink) as Arc<dyn TraceSink>);
        let shown = recent.iter().map(|sink| Arc::clone(sink) as Arc<dyn TraceSink>);
        let failed = if config.telemetry.failed_traces { Failed::Kept } else { Failed::Forgotten };
        let traces = TraceLayer::new(TraceSettings {
            rate: config.trace_rate(),
            failed,
            sinks: collected.chain(shown).collect(),
        });
        let tracker = sentry(config, runtime)?.map(Arc::new);
        let trackers = tracker.iter().map(|it| Arc::clone(it) as Arc<dyn ErrorTracker>).collect();
        let traces = traces.leading_to(Arc::new(ErrorDesk::new(name, RELEASE, trackers)));
        let (filter, handle) = reload::Layer::new(level::parse(&config.log.level)?);
        let level = LogLevel::new(&config.log.level, handle);
        let format = config.log.format.unwrap_or(match config.profile {
            Profile::Local | Profile::Test => LogFormat::Pretty,
            Profile::Production => LogFormat::Json,
        });
        // Lines name the trace that they belong to, at whichever level.
        let filter = filter.or(filter_fn(|metadata| {
            metadata.is_span()
                && *metadata.level() <= Level::INFO
                && metadata.fields().field(SPAN_KIND).is_some()
        }));
        let registry = tracing_subscriber::registry().with(traces.filtered());
        let started = match format {
            LogFormat::Pretty => {
                let colours = std::io::stdout().is_terminal();
                let lines = fmt::layer().fmt_fields(PlainFields).event_format(PlainLines);
                registry.with(lines.with_ansi(colours).with_filter(filter)).try_init()
            }
            LogFormat::Json => {
                let lines = fmt::layer().fmt_fields(JsonFields).event_format(JsonLines);
                registry.with(lines.with_filter(filter)).try_init()
            }
        };
        if started.is_err() {
            tracing::debug!("logging had been started before");
        }
        watch_panics();
        Ok(Self { traces, collector, recent, metrics, tracker, level })
    }

    /// What is logged.
    pub(crate) const fn level(&self) -> &LogLevel {
        &self.level
    }

    /// What is counted, where it is gathered.
    pub(crate) const fn metrics(&self) -> Option<&Metrics> {
        self.metrics.as_ref()
    }

    /// What became of traces here.
    pub(crate) fn traces(&self) -> Figures {
        self.traces.figures()
    }

    /// The last of them, where they are kept.
    pub(crate) const fn recent(&self) -> Option<&Arc<RecentTraces>> {
        self.recent.as_ref()
    }

    /// What became of them at the collector, where there is one.
    pub(crate) fn exported(&self) -> Option<Exported> {
        self.collector.as_ref().map(|collector| collector.exported())
    }

    /// Sends what is left. For the program's own thread, once nothing works any more.
    pub(crate) fn end(self) {
        let Self { collector, metrics, tracker, .. } = self;
        thread::scope(|threads| {
            if let Some(tracker) = tracker {
                threads.spawn(move || tracker.shut_down(FAREWELL));
            }
            if let Some(collector) = collector {
                collector.shut_down(FAREWELL);
            }
            if let Some(metrics) = metrics {
                metrics.end(FAREWELL);
            }
        });
    }
}

/// Writes the log of this process as programs do in production, and throws it away: for a
/// measurement. A second start changes nothing.
pub(crate) fn start_silently() {
    let lines = fmt::layer().fmt_fields(JsonFields).event_format(JsonLines);
    let lines = lines.with_writer(std::io::sink).with_filter(LevelFilter::INFO);
    // Where something is logged already, as in tests, that goes on.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

fn sentry(config: &Config, runtime: &Handle) -> anyhow::Result<Option<SentryTracker>> {
    let settings = &config.telemetry;
    let Some(dsn) = settings.sentry_dsn.clone() else { return Ok(None) };
    let patience = Duration::from_millis(settings.patience_ms);
    let sentry = SentryConfig { patience, ..SentryConfig::new(dsn, environment(config)) };
    Ok(Some(SentryTracker::new(sentry, runtime.clone())?))
}

fn otlp_config(config: &Config) -> Option<OtlpConfig> {
    let settings = &config.telemetry;
    Some(OtlpConfig {
        endpoint: settings.endpoint.clone()?,
        authorization: settings.authorization.clone(),
        patience: Duration::from_millis(settings.patience_ms),
        every: Duration::from_millis(settings.every_ms),
    })
}

const fn environment(config: &Config) -> &'static str {
    match config.profile {
        Profile::Local => "local",
        Profile::Test => "test",
        Profile::Production => "production",
    }
}

fn service(name: &'static str, config: &Config) -> Resource {
    let service = Service {
        name: name.to_owned(),
        version: RELEASE.to_owned(),
        instance: CallId::random().to_string(),
        environment: environment(config).to_owned(),
    };
    service.resource()
}
