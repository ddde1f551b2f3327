//! Engines that are away or have nothing left: what clients and operators see meanwhile, and that
//! nothing need be restarted afterwards.

mod postgres;
mod rabbitmq;

use anyhow::{Context as _, bail};
use journeys::{Answer, Api};
use xtask::shapes::{self, Engine, Ground, Launch, RealEngines, Running, Shape};

/// A shape on the engines that `cargo xtask test` started.
struct Site {
    running: Running,
    engines: RealEngines,
    _ground: Ground,
}

/// With the operator's token of [`ops`].
const OPERATOR: (&str, &str) = ("ASHLAR__INTERNAL__OPERATOR_TOKEN", "an operator's token");

impl Site {
    /// On engines that `change` may name other ways to; the programs are told `settings` besides.
    async fn start(
        extracted: &[&str],
        settings: &[(&str, &str)],
        change: impl FnOnce(&mut RealEngines),
    ) -> anyhow::Result<Self> {
        let ground = Ground::new().await?;
        let Engine::Real(mut engines) = ground.engine().clone() else {
            bail!("set {} as `cargo xtask test` does", shapes::POSTGRES);
        };
        change(&mut engines);
        let settings = settings.iter().copied().chain([OPERATOR]);
        let launch =
            Launch { engine: Engine::Real(engines.clone()), ..Launch::on(&ground).told(settings) };
        let shape = Shape::extracting(extracted.iter().copied());
        let running = shapes::start_as(&shape, launch).await?;
        Ok(Self { running, engines, _ground: ground })
    }

    fn api(&self) -> anyhow::Result<Api> {
        Api::new(self.running.public_url())
    }

    /// `GET path` of each program's internal listener, as an operator.
    async fn of_each(&self, path: &str) -> anyhow::Result<Vec<(String, Answer)>> {
        let mut answers = Vec::new();
        for program in self.running.programs() {
            let api = Api::new(program.internal_url())?.with_token(OPERATOR.1);
            let answer = api.get(path).await.with_context(|| program.name().to_owned())?;
            answers.push((program.name().to_owned(), answer));
        }
        Ok(answers)
    }
}
