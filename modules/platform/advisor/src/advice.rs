use serde::{Deserialize, Serialize};

use crate::{Condition, RULES, Rule, Scope, Side, Situation, Subject, Thresholds};

/// What to do, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// In short.
    pub verdict: Verdict,
    /// The steps that are asked for, in the order of the pathway: take the first, and look again.
    pub steps: Vec<String>,
    /// Why, in a sentence or two.
    pub why: String,
    /// Over how many seconds rates were taken.
    pub window_seconds: f64,
    /// What each rule found.
    pub findings: Vec<Finding>,
}

/// The answer in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No rule asks for anything.
    DoNothing,
    /// There is a step to take.
    Act,
    /// Too little happened to say.
    NotEnoughMeasured,
}

/// What one rule found of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// The module or table; nothing where the rule is about the program.
    pub about: Option<String>,
    /// Whether it asks for its step.
    pub outcome: Outcome,
    /// The step.
    pub step: String,
    /// All of these must hold.
    pub all: Vec<Reading>,
    /// Of these [`Thresholds::reasons`] must hold; empty where the rule has none.
    pub reasons: Vec<Reading>,
}

/// Whether a rule asks for its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It does.
    Met,
    /// It does not.
    NotMet,
    /// Figures are missing that it would take to say.
    NotMeasured,
}

/// A figure beside its threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// What the figure is.
    pub what: String,
    /// Nothing where it was not measured.
    pub measured: Option<f64>,
    /// The threshold.
    pub threshold: f64,
    /// The unit of both; a `share` is between 0 and 1.
    pub unit: String,
    /// Whether the figure is to be above its threshold, or not above it.
    pub is_above: bool,
    /// Whether it is; nothing where it was not measured.
    pub holds: Option<bool>,
}

/// Holds `situation` against the rules.
#[must_use]
pub fn advise(situation: &Situation, thresholds: &Thresholds) -> Advice {
    let is_enough = situation.window_seconds >= thresholds.window_seconds
        && situation.requests.is_some_and(|requests| requests >= thresholds.requests);
    let judge = Judge { thresholds, is_enough };
    let findings: Vec<Finding> = RULES
        .iter()
        .flat_map(|rule| {
            let subjects = subjects(situation, rule.about).into_iter();
            subjects.map(|(about, subject)| judge.finding(rule, about, &subject))
        })
        .collect();
    let met = findings.iter().filter(|finding| finding.outcome == Outcome::Met);
    let steps: Vec<String> = met.map(Finding::step_in_full).collect();
    let verdict = match (steps.is_empty(), is_enough) {
        (false, _) => Verdict::Act,
        (true, true) => Verdict::DoNothing,
        (true, false) => Verdict::NotEnoughMeasured,
    };
    let why = why(verdict, situation, thresholds, &findings);
    let window_seconds = situation.window_seconds;
    Advice { verdict, steps, why, window_seconds, findings }
}

fn subjects(program: &Situation, about: Scope) -> Vec<(Option<String>, Subject<'_>)> {
    let whole = Subject { program, module: None, table: None };
    match about {
        Scope::Program => vec![(None, whole)],
        Scope::Module => {
            let modules = program.modules.iter();
            let subject = |module| Subject { module: Some(module), ..whole };
            modules.map(|module| (Some(module.module.clone()), subject(module))).collect()
        }
        Scope::Table => {
            let tables = program.tables.iter();
            let subject = |table| Subject { table: Some(table), ..whole };
            let name = |module: &str, table: &str| format!("{module}.{table}");
            tables.map(|it| (Some(name(&it.module, &it.table)), subject(it))).collect()
        }
    }
}

struct Judge<'a> {
    thresholds: &'a Thresholds,
    /// Whether the window is long and full enough for rates to say anything.
    is_enough: bool,
}

impl Judge<'_> {
    fn finding(&self, rule: &Rule, about: Option<String>, subject: &Subject<'_>) -> Finding {
        let read = |condition: &Condition| self.reading(condition, subject);
        let all: Vec<Reading> = rule.all.iter().map(read).collect();
        let reasons: Vec<Reading> = rule.reasons.iter().map(read).collect();
        let outcome = self.outcome(&all, &reasons);
        let (rule, step) = (rule.name.to_owned(), rule.step.to_owned());
        Finding { rule, about, outcome, step, all, reasons }
    }

    fn reading(&self, condition: &Condition, subject: &Subject<'_>) -> Reading {
        let measured = (condition.figure)(subject);
        let measured = measured.filter(|_| self.is_enough || !condition.of_window);
        let threshold = (condition.threshold)(self.thresholds);
        let is_above = condition.side == Side::Above;
        Reading {
            what: condition.what.to_owned(),
            measured,
            threshold,
            unit: condition.unit.to_owned(),
            is_above,
            holds: measured.map(|measured| (measured > threshold) == is_above),
        }
    }

    /// What is missing can keep a rule from being met, and never meets it.
    fn outcome(&self, all: &[Reading], reasons: &[Reading]) -> Outcome {
        let wanted = if reasons.is_empty() { 0 } else { self.thresholds.reasons };
        let count = |holds| reasons.iter().filter(|reading| reading.holds == holds).count();
        let (given, unknown) = (count(Some(true)), count(None));
        if all.iter().any(|reading| reading.holds == Some(false)) || given + unknown < wanted {
            Outcome::NotMet
        } else if all.iter().all(|reading| reading.holds.is_some()) && given >= wanted {
            Outcome::Met
        } else {
            Outcome::NotMeasured
        }
    }
}

impl Finding {
    fn step_in_full(&self) -> String {
        match &self.about {
            Some(about) => format!("{about}: {}", self.step),
            None => self.step.clone(),
        }
    }

    fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.all.iter().chain(&self.reasons)
    }
}

fn why(
    verdict: Verdict,
    situation: &Situation,
    thresholds: &Thresholds,
    findings: &[Finding],
) -> String {
    match verdict {
        Verdict::Act => {
            let met = findings.iter().filter(|finding| finding.outcome == Outcome::Met);
            let holding = met.flat_map(Finding::readings).filter(|it| it.holds == Some(true));
            let mut said: Vec<String> = Vec::new();
            for sentence in holding.map(ToString::to_string) {
                if !said.contains(&sentence) {
                    said.push(sentence);
                }
            }
            format!("{}.", said.join("; "))
        }
        Verdict::NotEnoughMeasured => format!(
            "{:.0} s and {} requests were measured; rates say something from {:.0} s and {:.0} \
             requests on",
            situation.window_seconds,
            situation.requests.map_or_else(|| "no".to_owned(), |requests| format!("{requests:.0}")),
            thresholds.window_seconds,
            thresholds.requests,
        ),
        Verdict::DoNothing => nothing(findings),
    }
}

/// How far what was measured is from asking for anything: the nearest first.
fn nothing(findings: &[Finding]) -> String {
    let mut nearest: Vec<(f64, &Finding, &Reading)> =
        findings.iter().filter_map(|finding| nearest_of(finding)).collect();
    nearest.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    let told = nearest.iter().take(3).map(|(_, finding, reading)| {
        let about = finding.about.iter().map(|about| format!(" {about}")).collect::<String>();
        format!("{}{about} ({reading})", finding.rule)
    });
    let told: Vec<String> = told.collect();
    let missing = findings.iter().filter(|finding| finding.outcome == Outcome::NotMeasured).count();
    let mut why = "Every step costs more than it would bring".to_owned();
    if !told.is_empty() {
        why = format!("{why}: nearest to being asked for is {}", told.join(", then "));
    }
    if missing > 0 {
        let rules = if missing == 1 { "rule lacks" } else { "rules lack" };
        why = format!("{why}. {missing} {rules} figures that were not measured");
    }
    why + "."
}

/// What keeps a rule from asking for its step, and what share of the threshold it has reached: of what
/// must all hold the furthest, of the reasons the nearest.
fn nearest_of(finding: &Finding) -> Option<(f64, &Finding, &Reading)> {
    let reached = |reading: &Reading| match reading.is_above {
        true => Some(reading.measured? / reading.threshold),
        false => Some(reading.threshold / reading.measured?),
    };
    let lacking = |readings: &'_ [Reading]| -> Vec<(f64, usize)> {
        let lacking = readings.iter().enumerate().filter(|(_, it)| it.holds == Some(false));
        lacking.filter_map(|(at, it)| Some((reached(it)?, at))).collect()
    };
    let by_share = |one: &(f64, usize), other: &(f64, usize)| one.0.total_cmp(&other.0);
    let (all, reasons) = (lacking(&finding.all), lacking(&finding.reasons));
    if let Some((share, at)) = all.into_iter().min_by(by_share) {
        return Some((share, finding, &finding.all[at]));
    }
    let (share, at) = reasons.into_iter().max_by(by_share)?;
    Some((share, finding, &finding.reasons[at]))
}
