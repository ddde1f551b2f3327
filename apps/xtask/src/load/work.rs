//! What all parts of a campaign have in common.

use anyhow::{Context as _, Result};
use load_report::model::{Data, Part, Run, Start};
use loadtest::{people::People, scenarios};

use super::{
    cores::Cores,
    generator::{Generator, Order},
    hop::Tellers,
    options::{Options, Pace},
    site::{Layout, Shown, Site, WEBHOOK_SECRET},
};
use crate::{console::say, shapes::Binaries, workspace::Workspace};

/// A shape with its programs.
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) binaries: Binaries,
}

/// A campaign under way.
pub(super) struct Work<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) options: &'a Options,
    pub(super) pace: Pace,
    pub(super) site: Site,
    pub(super) cores: &'a Cores,
    /// The monolith first, at [`MONOLITH_AT`].
    pub(super) candidates: Vec<Candidate>,
    pub(super) runs: Vec<Run>,
    pub(super) starts: Vec<Start>,
}

/// The place of the monolith among the candidates.
pub(super) const MONOLITH_AT: usize = 0;

/// Which run of a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'v> {
    pub(super) part: Part,
    /// Of the candidates.
    pub(super) position: usize,
    pub(super) variant: &'v str,
    pub(super) repeat: u32,
}

impl Work<'_> {
    /// Makes what every run begins with, through the public API.
    pub(super) async fn seed(&mut self) -> Result<Data> {
        let tenants = self.options.tenants();
        let newcomers = self.newcomers()?;
        say(format_args!("seeding {tenants} tenants that pay and {newcomers} that do not yet …"));
        let shown = self.site.first(&self.candidates[MONOLITH_AT].binaries).await?;
        self.generator(&shown).seed(self.options, newcomers)?;
        let data = People::read(&shown.people)?.data;
        self.site.keep(shown).await?;
        Ok(data)
    }

    /// How many tenants the hardest run may have subscribe: each run begins with all of them.
    fn newcomers(&self) -> Result<u64> {
        let name = &self.options.scenario;
        let scenario = scenarios::named(name).with_context(|| format!("no scenario `{name}`"))?;
        let longest = self.pace.warm_up + self.pace.seconds;
        let most = self.pace.top_rate * longest * scenario.newcomers();
        // Room for chance.
        Ok((most + 5.0 * most.sqrt()).ceil() as u64)
    }

    /// One run on data of its own.
    pub(super) async fn one(&mut self, turn: Turn<'_>, order: &Order) -> Result<()> {
        let shown = self.shown(turn.position, Layout::default()).await?;
        let measured = self.measure(&shown, order);
        self.site.clear(shown).await?;
        self.keep(turn, measured?);
        Ok(())
    }

    /// A shape at work on a copy of what was seeded.
    pub(super) async fn shown(&mut self, position: usize, layout: Layout) -> Result<Shown> {
        self.site.next(&self.candidates[position].binaries, layout).await
    }

    pub(super) fn keep(&mut self, turn: Turn<'_>, run: Run) {
        let Turn { part, position, variant, repeat } = turn;
        let (shape, variant) = (self.candidates[position].name.clone(), variant.to_owned());
        self.runs.push(Run { part, shape, variant, repeat, ..run });
    }

    /// The comparison's run of a candidate.
    pub(super) fn compared(&mut self, position: usize, repeat: u32) -> Option<&mut Run> {
        let shape = &self.candidates[position].name;
        self.runs
            .iter_mut()
            .find(|run| run.part == Part::Compare && run.repeat == repeat && run.shape == *shape)
    }

    pub(super) fn measure(&self, shown: &Shown, order: &Order) -> Result<Run> {
        self.generator(shown).run(order, self.site.watched(shown))
    }

    /// The same, while other shapes are measured.
    pub(super) async fn measure_beside(&self, shown: &Shown, order: &Order) -> Result<Run> {
        let (generator, watched) = (self.generator(shown), self.site.watched(shown));
        let (run, ()) = generator.run_beside(order, watched, |_| std::future::ready(())).await?;
        Ok(run)
    }

    /// The same, and what the programs tell of their calls to each other meanwhile.
    pub(super) async fn measure_with_calls(&self, shown: &Shown, order: &Order) -> Result<Run> {
        let tellers = Tellers::of(&shown.running)?;
        let (generator, watched) = (self.generator(shown), self.site.watched(shown));
        let beside = |moments| tellers.between(moments);
        let (run, hop) = generator.run_beside(order, watched, beside).await?;
        Ok(Run { hop: hop?, ..run })
    }

    pub(super) fn generator(&self, shown: &Shown) -> Generator {
        let program = self.options.built(self.workspace, "loadtest");
        let webhook_secret = Some(WEBHOOK_SECRET.to_owned());
        let (url, people) = (shown.url.clone(), shown.people.clone());
        Generator { program, url, people, cores: self.cores.generator.clone(), webhook_secret }
    }

    pub(super) fn order(&self, rate: f64, repeat: u32) -> Order {
        Order::new(self.options.scenario.clone(), rate, self.seed_of(repeat), &self.pace)
    }

    /// The same for all that is compared, and another for each repeat.
    pub(super) fn seed_of(&self, repeat: u32) -> u64 {
        self.options.seed + u64::from(repeat)
    }
}
