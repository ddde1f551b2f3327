//! Named steps, timed and counted, so that one failure does not hide the next.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::console::say;

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// Not as it should be; the text says what to do, unless the step's own output has said it.
    Failed(String),
    /// Could not be carried out here; the text says why.
    Skipped(String),
}

impl Verdict {
    /// Passed where there are no complaints, else failed with all of them.
    #[must_use]
    pub fn of(complaints: &[String]) -> Self {
        if complaints.is_empty() { Self::Passed } else { Self::Failed(complaints.join("\n")) }
    }
}

/// Steps that have run.
#[derive(Debug, Default)]
pub struct Steps {
    ran: Vec<(String, Verdict, Duration)>,
}

impl Steps {
    /// Runs a step, prints its name, time and verdict, and goes on in any case.
    pub fn run(&mut self, name: &str, step: impl FnOnce() -> Result<Verdict>) {
        say(format_args!("── {name}"));
        let begun = Instant::now();
        let verdict = step().unwrap_or_else(|error| Verdict::Failed(format!("{error:#}")));
        let time = begun.elapsed();
        match &verdict {
            Verdict::Passed => say(format_args!("   ok: {name} ({:.1} s)", time.as_secs_f64())),
            Verdict::Skipped(why) => say(format_args!("   SKIPPED: {name}: {why}")),
            Verdict::Failed(what) => {
                say(what);
                say(format_args!("   FAILED: {name} ({:.1} s)", time.as_secs_f64()));
            }
        }
        self.ran.push((name.to_owned(), verdict, time));
    }

    /// Prints the list of what failed or was skipped.
    ///
    /// # Errors
    /// A step failed.
    pub fn finish(self) -> Result<()> {
        let total: Duration = self.ran.iter().map(|(_, _, time)| *time).sum();
        let count = |wanted: fn(&Verdict) -> bool| {
            self.ran.iter().filter(|(_, verdict, _)| wanted(verdict)).count()
        };
        let passed = count(|verdict| matches!(verdict, Verdict::Passed));
        let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
        let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
        say("");
        for (name, verdict, _) in &self.ran {
            match verdict {
                Verdict::Passed => {}
                Verdict::Skipped(why) => say(format_args!("skipped: {name}: {why}")),
                Verdict::Failed(what) => {
                    say(format_args!("FAILED:  {name}: {}", what.lines().next().unwrap_or("")));
                }
            }
        }
        say(format_args!(
            "{passed} steps passed, {failed} failed, {skipped} skipped in {:.0} s",
            total.as_secs_f64()
        ));
        if failed > 0 {
            bail!("{failed} of {} steps failed", self.ran.len());
        }
        Ok(())
    }
}

/// Runs a program with its output on the terminal.
///
/// # Errors
/// It cannot be started.
pub fn succeeds(command: &mut Command) -> Result<bool> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("starting `{shown}`"))?;
    Ok(status.success())
}

/// [`succeeds`] as a verdict.
///
/// # Errors
/// The program cannot be started.
pub fn verdict(command: &mut Command) -> Result<Verdict> {
    Ok(if succeeds(command)? {
        Verdict::Passed
    } else {
        Verdict::Failed(format!("`{}` failed; see above", shown(command)))
    })
}

/// The standard output of a program.
///
/// # Errors
/// It cannot be started, fails, or writes no text.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.output().with_context(|| format!("starting `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("reading what `{shown}` wrote"))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_runs_and_one_failure_fails_the_whole() {
        let mut steps = Steps::default();
        let mut ran = 0;
        steps.run("bad", || Ok(Verdict::of(&["do this".to_owned()])));
        steps.run("worse", || bail!("cannot"));
        steps.run("good", || {
            ran += 1;
            Ok(Verdict::of(&[]))
        });
        assert_eq!(ran, 1);
        let error = steps.finish().expect_err("two steps failed");
        assert_eq!(error.to_string(), "2 of 3 steps failed");
    }

    #[test]
    fn a_skipped_step_is_no_failure() {
        let mut steps = Steps::default();
        steps.run("far", || Ok(Verdict::Skipped("cannot be reached".to_owned())));
        steps.finish().expect("nothing failed");
    }

    #[test]
    fn output_of_a_failing_program_is_an_error_with_what_it_said() {
        let error = output(Command::new("sh").args(["-c", "echo why >&2; exit 3"]));
        assert!(error.expect_err("it failed").to_string().ends_with("failed: why"));
    }
}
