//! Reading commands: every field is parsed, and all that is wrong is told at once.

use serde::Serialize;

/// Collects what is wrong with the fields of a command.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<FieldError>);

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// The member of the command.
    pub(crate) field: &'static str,
    /// A sentence for a developer.
    pub(crate) detail: String,
}

/// A command with at least one field that breaks its rules.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the command has fields that break their rules")]
pub(crate) struct Invalid(pub(crate) Vec<FieldError>);

impl Fields {
    /// Keeps a refusal for `field`, or passes the value on.
    pub(crate) fn take<T>(
        &mut self,
        field: &'static str,
        parsed: Result<T, FieldRule>,
    ) -> Option<T> {
        parsed.map_err(|rule| self.0.push(FieldError { field, detail: rule.0.to_owned() })).ok()
    }

    /// What was wrong.
    pub(crate) fn into_invalid(self) -> Invalid {
        Invalid(self.0)
    }
}

/// The rule that a text breaks, as a sentence for a developer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FieldRule(pub(crate) &'static str);
