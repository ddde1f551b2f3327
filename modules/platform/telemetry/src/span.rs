//! What is known of a span when it has ended.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use crate::conventions::ERROR_TYPE;

/// A span that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedSpan {
    /// Names the trace.
    pub trace_id: u128,
    /// Names the span.
    pub span_id: u64,
    /// What it is part of; none at a trace's root.
    pub parent: Option<Parent>,
    /// Whether the trace is kept whatever comes of it.
    pub sampled: bool,
    /// What is done, such as `GET /v1/billing/plans`; few different ones.
    pub name: Cow<'static, str>,
    /// Its part in an exchange with others.
    pub kind: Kind,
    /// When it began, by the system's clock when its trace came in, and by a steady one from there on.
    pub began: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Further fields, in the order in which they were recorded; one that was recorded twice has its
    /// last value.
    pub attributes: Vec<(&'static str, Value)>,
    /// Warnings and errors that were logged within it, the first few.
    pub notes: Vec<Note>,
}

/// What a span is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Names the span.
    pub span_id: u64,
    /// Whether it is another program's, or this one's of another time.
    pub is_remote: bool,
}

/// A span's part in an exchange, as OpenTelemetry has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Works for nobody outside.
    #[default]
    Internal,
    /// Answers a request.
    Server,
    /// Waits for an answer.
    Client,
    /// Sends a message.
    Producer,
    /// Works on a message.
    Consumer,
}

impl Kind {
    /// From the field `otel.kind`; what is none is internal.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "server" => Self::Server,
            "client" => Self::Client,
            "producer" => Self::Producer,
            "consumer" => Self::Consumer,
            _ => Self::Internal,
        }
    }
}

/// A field's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// Anything else.
    Text(String),
}

/// A warning or an error that was logged within a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// After the span's beginning.
    pub after: Duration,
    /// `WARN` or `ERROR`.
    pub level: &'static str,
    /// What was said.
    pub message: String,
    /// Its fields.
    pub fields: Vec<(&'static str, Value)>,
}

impl FinishedSpan {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The class of error that it ended with, where it failed.
    #[must_use]
    pub fn error(&self) -> Option<&Value> {
        self.attribute(ERROR_TYPE)
    }
}

/// Where a program's parts of traces go.
pub trait TraceSink: Send + Sync {
    /// Takes a part of a trace, the spans in the order in which they ended. It must not block: whoever
    /// asked is waiting for the answer.
    fn take(&self, part: Vec<FinishedSpan>);
}
