//! How load is described on the command line.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::Args;
use load_report::model::Load;
use loadtest::{
    arrivals::Spacing,
    run::{Label, Plan, Stream},
    scenarios,
};

#[derive(Args, Debug)]
pub(crate) struct LoadOptions {
    /// The public origin, `http://…`.
    #[arg(long)]
    url: String,
    /// Who does it, as `seed` wrote it. New sessions are written there.
    #[arg(long)]
    pub(super) people: PathBuf,
    /// What they do: see `loadtest scenarios`.
    #[arg(long)]
    scenario: String,
    /// Load before anything is measured, such as `5s`.
    #[arg(long, default_value = "5s", value_parser = duration)]
    warm_up: Duration,
    /// Load that is measured, such as `20s` or `1h`.
    #[arg(long = "for", default_value = "20s", value_parser = duration)]
    measured: Duration,
    /// What arrivals and choices are derived from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How far apart arrivals are.
    #[arg(long, value_enum, default_value_t)]
    spacing: Spacing,
    /// How long people think between two steps, on average.
    #[arg(long, default_value = "1s", value_parser = duration)]
    think: Duration,
    /// The longest that an answer takes.
    #[arg(long, default_value = "10s", value_parser = duration)]
    patience: Duration,
    /// The most journeys that are under way at once; further ones are dropped, and counted.
    #[arg(long, default_value_t = 1_000)]
    most_under_way: usize,
    /// Goes on where more tenants may subscribe than were seeded: later ones look at the price list
    /// and leave.
    #[arg(long)]
    while_newcomers_last: bool,
    /// Threads that send.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// The cores that this program keeps to, such as `2,3`; all that it may use otherwise.
    #[arg(long, value_delimiter = ',')]
    pub(super) cores: Vec<usize>,
    /// What the payment provider's webhooks are signed with, `whsec_…`, where the system has one.
    /// Rather in the environment, where no other user of the machine reads it.
    #[arg(long, env = "ASHLAR_LOADTEST_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// What is measured, such as `monolith`.
    #[arg(long, default_value = "?")]
    shape: String,
}

impl LoadOptions {
    pub(super) fn plan(
        &self,
        rate: Option<f64>,
        people_at_once: Option<u32>,
        beside: &[(String, f64)],
    ) -> anyhow::Result<Plan> {
        let load = match (people_at_once, rate) {
            (Some(people), _) => Load::Closed { people },
            (None, Some(rate)) => Load::Open { rate },
            (None, None) => anyhow::bail!("neither a rate nor people at once"),
        };
        let mut streams = vec![stream(&self.scenario, load)?];
        for (name, rate) in beside {
            streams.push(stream(name, Load::Open { rate: *rate })?);
        }
        Ok(Plan {
            warm_up: self.warm_up,
            measured: self.measured,
            seed: self.seed,
            spacing: self.spacing,
            think: self.think,
            patience: self.patience,
            most_under_way: self.most_under_way,
            while_newcomers_last: self.while_newcomers_last,
            workers: self.workers,
            webhook_secret: self.webhook_secret.clone(),
            label: Label { shape: self.shape.clone(), ..Label::default() },
            ..Plan::new(&self.url, streams)
        })
    }
}

fn stream(name: &str, load: Load) -> anyhow::Result<Stream> {
    let scenario = scenarios::named(name);
    let scenario = scenario
        .with_context(|| format!("there is no scenario `{name}`: see `loadtest scenarios`"))?;
    Ok(Stream { scenario, load })
}

/// `log-in=2`.
pub(super) fn beside(text: &str) -> Result<(String, f64), String> {
    let mistaken = || format!("`{text}` is not such as `log-in=2`");
    let (name, rate) = text.split_once('=').ok_or_else(mistaken)?;
    Ok((name.to_owned(), rate.parse().map_err(|_| mistaken())?))
}

/// `250ms`, `5s`, `10m` or `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3_600.0)];
    let found = units.iter().find_map(|(unit, seconds)| {
        let count: f64 = text.strip_suffix(unit)?.parse().ok()?;
        Duration::try_from_secs_f64(count * seconds).ok()
    });
    found.ok_or_else(|| format!("`{text}` is not such as `250ms`, `5s`, `10m` or `1h`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        for text in ["5", "s", "-1s", "5 s x"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_beside_has_a_rate() {
        assert_eq!(beside("log-in=2.5"), Ok(("log-in".to_owned(), 2.5)));
        assert!(beside("log-in").is_err());
    }
}
