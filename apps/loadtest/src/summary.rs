//! A run in a few lines, for the person at the terminal.

use std::fmt::Write as _;

use load_report::model::{Load, Operation};

use crate::{recorder, run::Outcome};

/// What was measured, line by line; times in milliseconds.
///
/// # Errors
/// A histogram that is none.
pub fn summary(outcome: &Outcome) -> anyhow::Result<String> {
    let Outcome { run, generator } = outcome;
    let load = match run.load {
        Load::Open { rate } => format!("{rate} journeys a second"),
        Load::Closed { people } => format!("{people} people at once"),
    };
    let mut text = format!("{}: {load}, {} s measured\n\n", run.scenario, run.measured_s);
    writeln!(
        text,
        "{:<44} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9}",
        "operation", "done", "not done", "dropped", "p50 ms", "p99", "p99.9", "service p99"
    )?;
    for (name, operation) in &run.operations {
        writeln!(text, "{}", line(name, operation)?)?;
    }
    let kinds = run.operations.iter().flat_map(|(name, operation)| {
        operation.failed.iter().map(move |(kind, count)| format!("  {name}: {count} × {kind}"))
    });
    let kinds: Vec<String> = kinds.collect();
    if !kinds.is_empty() {
        writeln!(text, "\nnot done\n{}", kinds.join("\n"))?;
    }
    let late = generator.late;
    let ms = |micros: u64| micros as f64 / 1_000.0;
    writeln!(
        text,
        "\nthe generator: {} requests, {:.2} s of processor time ({:.0} requests a second of it); \
         late by {:.2} ms at p50, {:.2} at p99, {:.2} at most; {} journeys begun, at most {} at once",
        generator.requests,
        generator.cpu as f64 / 1e6,
        generator.requests_per_cpu_second(),
        ms(late.p50),
        ms(late.p99),
        ms(late.max),
        generator.journeys,
        generator.most_under_way,
    )?;
    for (what, count) in &generator.stuck {
        writeln!(text, "{count} journeys could not go on: {what}")?;
    }
    for remark in &generator.remarks {
        writeln!(text, "{remark}")?;
    }
    for (what, (told, there)) in &run.ledger.compared {
        writeln!(text, "{what}: clients were told of {told}, and {there} are there")?;
    }
    for fault in &run.ledger.faults {
        writeln!(text, "the books do not balance: {fault}")?;
    }
    Ok(text)
}

fn line(name: &str, operation: &Operation) -> anyhow::Result<String> {
    let latency = recorder::decode(&operation.latency)?;
    let service = recorder::decode(&operation.service)?;
    let ms = |micros: u64| format!("{:.2}", micros as f64 / 1_000.0);
    let failed: u64 = operation.failed.values().sum();
    Ok(format!(
        "{name:<44} {:>8} {failed:>8} {:>8} {:>8} {:>8} {:>8} {:>9}",
        operation.done,
        operation.dropped,
        ms(latency.value_at_quantile(0.5)),
        ms(latency.value_at_quantile(0.99)),
        ms(latency.value_at_quantile(0.999)),
        ms(service.value_at_quantile(0.99)),
    ))
}
