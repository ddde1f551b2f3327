//! Several processes of one program, which only PostgreSQL allows.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, ensure};
use load_report::model::Part;
use loadtest::run::Moment;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    console::say,
    load::{
        generator::Order,
        haproxy::{Behind, Front, HaProxy},
        parts::{Limits, ROUGHLY},
        site::{Layout, Shown},
        work::{MONOLITH_AT, Turn, Work},
    },
    shapes::{Detour, Program},
    workspace::{MONOLITH, service_name},
};

/// The share of their knee at which programs are replaced.
const BUSY: f64 = 0.7;
/// How many times the usage that the monolith can take in is reported where billing is scaled.
const TOO_MUCH: f64 = 1.5;
/// Replicas of a program.
const SEVERAL: usize = 2;
/// The front that clients know.
const PUBLIC: &str = "monolith-public";

impl Work<'_> {
    /// One replica of billing against two, where more is reported than one can take in.
    pub(in crate::load) async fn scaling(&mut self, flood: Limits) -> Result<()> {
        if self.site.postgres().is_none() {
            return Ok(());
        }
        let billing = service_name("billing");
        let position = self.candidates.len() - 1;
        for repeat in 0..self.pace.other_repeats {
            let all = self.pace.other_repeats;
            say(format_args!("one and two replicas of billing, {} of {all} …", repeat + 1));
            for (variant, count) in [("1 of billing", 1), ("2 of billing", SEVERAL)] {
                let seed = self.seed_of(repeat);
                let rate = TOO_MUCH * flood.capacity;
                let order = Order::new("usage".to_owned(), rate, seed, &self.pace);
                let replicas = BTreeMap::from([(billing.clone(), count)]);
                let shown = self.shown(position, Layout { replicas, ..Layout::default() }).await?;
                let measured = self.measure(&shown, &order);
                self.site.clear(shown).await?;
                let turn = Turn { part: Part::Scaling, position, variant, repeat };
                self.keep(turn, measured?);
            }
        }
        Ok(())
    }

    /// Each program's replicas are replaced one after the other while people use them, at a share of
    /// what they serve behind the balancer: it and the second replica want processor time of their own.
    pub(in crate::load) async fn rolling_restart(&mut self) -> Result<()> {
        let Some(haproxy) = self.site.haproxy().map(Path::to_owned) else { return Ok(()) };
        let billing = service_name("billing");
        for (position, restarted) in [(MONOLITH_AT, vec![MONOLITH]), (1, vec![MONOLITH, &billing])]
        {
            let name = self.candidates[position].name.clone();
            say(format_args!("looking for the highest rate that replicas serve well, {name} …"));
            let knee = self.knee_behind(&haproxy, position).await?;
            for program in restarted {
                say(format_args!("restarting {program} under load, {name} …"));
                let variant = format!("{program} restarted");
                let part = Part::RollingRestart;
                let turn = Turn { part, position, variant: &variant, repeat: 0 };
                self.restart(turn, program, &haproxy, BUSY * knee).await?;
            }
        }
        Ok(())
    }

    /// What two replicas of each program serve well. Runs of this search are no figures of the report's.
    async fn knee_behind(&mut self, haproxy: &Path, position: usize) -> Result<f64> {
        let (shown, _, balancer) = self.replicated(haproxy, position).await?;
        let scenario = self.options.scenario.clone();
        let found = self.search(&shown, &scenario, self.pace.close.max(ROUGHLY)).await;
        drop(balancer);
        self.site.clear(shown).await?;
        Ok(Limits::of(&found?).knee)
    }

    async fn restart(
        &mut self,
        turn: Turn<'_>,
        program: &str,
        haproxy: &Path,
        rate: f64,
    ) -> Result<()> {
        let (shown, behind, mut balancer) = self.replicated(haproxy, turn.position).await?;
        let usual = self.order(rate, turn.repeat);
        let order = Order { seconds: usual.seconds.max(self.pace.restart), ..usual };
        let generator = self.generator(&shown);
        // A program that is replaced has used nothing yet: what it uses is no figure of this part.
        let measured = generator
            .run_beside(&order, Vec::new(), |moments| {
                roll(moments, &shown, program, &behind, &mut balancer)
            })
            .await;
        drop(balancer);
        self.site.clear(shown).await?;
        let (run, rolled) = measured?;
        rolled?;
        self.keep(turn, run);
        Ok(())
    }

    /// A shape with two replicas of each program, and the balancer that clients and programs go through.
    async fn replicated(
        &mut self,
        haproxy: &Path,
        position: usize,
    ) -> Result<(Shown, Vec<Behind>, HaProxy)> {
        let programs = match position {
            MONOLITH_AT => vec![MONOLITH.to_owned()],
            _ => vec![MONOLITH.to_owned(), service_name("billing")],
        };
        let fronts = fronts(&programs)?;
        let detours = detours(&programs, &fronts)?;
        let replicas = programs.iter().map(|name| (name.clone(), SEVERAL)).collect();
        let layout = Layout { replicas, detours, ..Layout::default() };
        let mut shown = self.shown(position, layout).await?;
        let behind = shown.running.programs().iter().flat_map(behind).collect::<Vec<_>>();
        let balancer = HaProxy::start(haproxy, shown.folder(), &fronts, &behind).await?;
        shown.url = front(&fronts, PUBLIC)?.url();
        Ok((shown, behind, balancer))
    }
}

/// Replaces one replica after the other, while it is measured. As an operator does who has a
/// balancer: it is told first, since a program takes no new connections from SIGTERM on.
async fn roll(
    mut moments: UnboundedReceiver<Moment>,
    shown: &Shown,
    program: &str,
    behind: &[Behind],
    haproxy: &mut HaProxy,
) -> Result<()> {
    moments.recv().await.context("nothing was measured")?;
    for replica in shown.running.programs().iter().filter(|it| base(it.name()) == program) {
        let own = || behind.iter().filter(|server| server.name == plain(replica.name()));
        for server in own() {
            haproxy.drain(server).await?;
        }
        replica.terminate().await?;
        replica.start().await?;
        for server in own() {
            haproxy.restore(server).await?;
        }
    }
    ensure!(moments.try_recv().is_err(), "replacing {program} took longer than was measured");
    Ok(())
}

/// Two for each program: what clients and what programs call.
fn fronts(programs: &[String]) -> Result<Vec<Front>> {
    let names = programs
        .iter()
        .flat_map(|name| ["public", "internal"].map(|listener| format!("{name}-{listener}")));
    names.map(Front::new).collect()
}

fn front<'f>(fronts: &'f [Front], name: &str) -> Result<&'f Front> {
    let found = fronts.iter().find(|front| front.name == name);
    found.with_context(|| format!("no front {name}"))
}

/// Every replica of a program finds those of the others behind their fronts.
fn detours(programs: &[String], fronts: &[Front]) -> Result<Vec<Detour>> {
    let mut detours = Vec::new();
    for to in programs {
        let public = front(fronts, &format!("{to}-public"))?.url();
        let internal = front(fronts, &format!("{to}-internal"))?.url();
        let others = programs.iter().filter(|from| *from != to);
        for from in others.flat_map(|from| replicas(from)) {
            for to in replicas(to) {
                let (from, public_url, internal_url) =
                    (from.clone(), public.clone(), internal.clone());
                detours.push(Detour { from, to, public_url, internal_url });
            }
        }
    }
    Ok(detours)
}

/// As shapes name them.
fn replicas(program: &str) -> impl Iterator<Item = String> {
    let name = move |number| match number {
        1 => program.to_owned(),
        more => format!("{program}#{more}"),
    };
    (1..=SEVERAL).map(name)
}

fn behind(program: &Program) -> [Behind; 2] {
    let urls = [("public", program.public_url()), ("internal", program.internal_url())];
    urls.map(|(listener, url)| Behind {
        front: format!("{}-{listener}", base(program.name())),
        name: plain(program.name()),
        address: url.trim_start_matches("http://").to_owned(),
    })
}

/// The program's name without the number of its replica.
fn base(name: &str) -> &str {
    name.split('#').next().unwrap_or(name)
}

/// A name as HAProxy takes it.
fn plain(name: &str) -> String {
    name.replace('#', "-")
}
