//! What a change of a contract would break.
//!
//! During a roll-out the previous version runs beside the new one, on either side of a call. So a
//! change is judged for both pairs, the previous client with the new server and the reverse:
//!
//! | change | argument | result, event | refusals |
//! |---|---|---|---|
//! | optional field added | passes, unless the previous side refuses unknown fields | the same | the same |
//! | required field added | breaks: the previous client does not send it | breaks: the previous server does not send it | breaks |
//! | field removed, retyped, made optional or required | breaks | breaks | breaks |
//! | value of an enum added | passes: only callers that use it need the new server | breaks: the previous client cannot read it | passes: the caller gets `Incompatible` |
//! | value of an enum removed | breaks: the previous client sends it | breaks: the previous server sends it | breaks: the previous server sends it |
//! | bounds narrowed | breaks | passes | passes |
//! | method added | passes: only its callers need the new server | | |
//! | method removed, or its kind changed | breaks | | |

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    document::{Document, FOLDER},
    wire::{BOUNDS, Field, Narrower, Scalar, Schema, Shape},
};

/// What `after` breaks for programs that were built from `before`.
pub(super) fn broken(before: &[Document], after: &[Document], retired: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for old in before {
        match after.iter().find(|new| new.file == old.file) {
            Some(new) => complaints.extend(document_breaks(old, new)),
            None if retired.contains(&old.file.as_str()) => {}
            None => complaints.push(format!(
                "{FOLDER}/{}: the contract is gone, and programs that speak it may run. Keep it, \
                 or, once none does, list it under RETIRED in \
                 apps/xtask/src/contracts/catalogue.rs",
                old.file
            )),
        }
    }
    complaints
}

fn document_breaks(old: &Document, new: &Document) -> Vec<String> {
    let mut comparison = Comparison::new(&old.content, &new.content);
    let remedy = if old.content.get("methods").is_some() {
        comparison.methods(&old.content, &new.content);
        "add what is new as an optional field, or declare a second trait with the next `version` \
         beside this one"
    } else {
        let (old, new) = (&old.content["payload"], &new.content["payload"]);
        comparison.compare(old, new, Place::new("payload", Direction::Response));
        "add what is new as an optional field, or publish a new type of event with the next VERSION"
    };
    comparison
        .breaks
        .into_iter()
        .map(|what| format!("{FOLDER}/{}: {what}. Instead, {remedy}", old.file))
        .collect()
}

/// Who sends the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Request,
    Response,
    /// A response, whose variants at the top may grow.
    Refusal,
}

#[derive(Clone, Debug)]
struct Place {
    path: String,
    direction: Direction,
}

impl Place {
    fn new(path: &str, direction: Direction) -> Self {
        Self { path: path.to_owned(), direction }
    }

    /// Below the top, a refusal is a response like any other.
    fn inner(&self, part: &str) -> Self {
        let direction = match self.direction {
            Direction::Request => Direction::Request,
            Direction::Response | Direction::Refusal => Direction::Response,
        };
        Self { path: format!("{}{part}", self.path), direction }
    }
}

struct Comparison<'v> {
    old: &'v Value,
    new: &'v Value,
    /// Pairs of named types that are being compared, or were, in one direction: types may refer to
    /// themselves.
    seen: BTreeSet<(&'v str, &'v str, bool)>,
    breaks: Vec<String>,
}

impl<'v> Comparison<'v> {
    fn new(old: &'v Value, new: &'v Value) -> Self {
        let (old, new) = (&old["schemas"], &new["schemas"]);
        Self { old, new, seen: BTreeSet::new(), breaks: Vec::new() }
    }

    fn report(&mut self, place: &Place, what: impl std::fmt::Display) {
        self.breaks.push(format!("{}: {what}", place.path));
    }

    fn methods(&mut self, old: &'v Value, new: &'v Value) {
        let Some(methods) = old["methods"].as_object() else { return };
        for (name, old) in methods {
            let place = Place::new(name, Direction::Request);
            let Some(new) = new["methods"].get(name) else {
                self.report(&place, "the method was removed, and the previous client calls it");
                continue;
            };
            if old["kind"] != new["kind"] {
                let what = format!("was a {}, is a {}", old["kind"], new["kind"]);
                self.report(&place, what + ": what a repetition does is part of the contract");
            }
            match (old.get("argument"), new.get("argument")) {
                (Some(old), Some(new)) => self.compare(old, new, place.inner(" argument")),
                (None, None) => {}
                _ => self.report(&place, "an argument was added or removed"),
            }
            let result = Place::new(&format!("{name} result"), Direction::Response);
            self.compare(&old["result"], &new["result"], result);
            let refusals = Place::new(&format!("{name} refusals"), Direction::Refusal);
            self.compare(&old["refusals"], &new["refusals"], refusals);
        }
    }

    fn compare(&mut self, old: &'v Value, new: &'v Value, place: Place) {
        let (schemas, new_schemas) = (self.old, self.new);
        self.compare_schemas(
            Schema { value: old, schemas },
            Schema { value: new, schemas: new_schemas },
            &place,
        );
    }

    fn compare_schemas(&mut self, old: Schema<'v>, new: Schema<'v>, place: &Place) {
        let (old, new) = (old.wire(), new.wire());
        if let (Some(old), Some(new)) = (old.reference, new.reference)
            && !self.seen.insert((old, new, place.direction == Direction::Request))
        {
            return;
        }
        if old.nullable != new.nullable {
            let (before, after) =
                if old.nullable { ("could", "cannot") } else { ("was not", "may") };
            self.report(place, format!("{before} be null before, and {after} be null now"));
        }
        match (old.shape, new.shape) {
            (Shape::Anything, Shape::Anything) => {}
            (Shape::Scalar(old), Shape::Scalar(new)) => self.scalars(&old, &new, place),
            (Shape::List(old), Shape::List(new)) => {
                self.compare_schemas(old, new, &place.inner("[]"));
            }
            (Shape::Map(old), Shape::Map(new)) => {
                self.compare_schemas(old, new, &place.inner("{}"));
            }
            (Shape::Object { fields: old, closed }, Shape::Object { fields: new, closed: _ }) => {
                for (name, old) in &old {
                    match new.get(name) {
                        Some(new) => self.fields(name, *old, *new, place),
                        None => self.report(
                            &place.inner(&format!(".{name}")),
                            "the field was removed, and the previous version knows it",
                        ),
                    }
                }
                let added = new.iter().filter(|(name, _)| !old.contains_key(**name));
                for (name, field) in added {
                    self.added_field(name, *field, closed, place);
                }
            }
            (Shape::Variants(old), Shape::Variants(new)) => {
                for (name, old) in &old {
                    let inner = place.inner(&format!(" `{name}`"));
                    match (old, new.get(name)) {
                        (_, None) => self.report(&inner, removed_variant(place.direction)),
                        (Some(old), Some(Some(new))) => self.compare_schemas(*old, *new, &inner),
                        (None, Some(None)) => {}
                        _ => self.report(&inner, "the variant has another shape"),
                    }
                }
                if place.direction == Direction::Response {
                    for name in new.keys().filter(|name| !old.contains_key(*name)) {
                        let what = "the value is new, and the previous client cannot read it";
                        self.report(&place.inner(&format!(" `{name}`")), what);
                    }
                }
            }
            (old, new) => {
                self.report(place, format!("was {}, is {}", named(&old), named(&new)));
            }
        }
    }

    fn scalars(&mut self, old: &Scalar<'v>, new: &Scalar<'v>, place: &Place) {
        if (old.kind, old.format) != (new.kind, new.format) {
            let shown = |it: &Scalar<'_>| match it.format {
                Some(format) => format!("{} ({format})", it.kind),
                None => it.kind.to_owned(),
            };
            self.report(place, format!("was {}, is {}", shown(old), shown(new)));
            return;
        }
        if place.direction != Direction::Request {
            return;
        }
        for (name, narrower) in BOUNDS {
            let (before, after) = (old.bounds.get(name), new.bounds.get(name));
            if is_narrower(before.copied(), after.copied(), narrower) {
                let what = "is narrower than before, and the previous client does not know";
                self.report(place, format!("`{name}` {what}"));
            }
        }
    }

    fn fields(&mut self, name: &str, old: Field<'v>, new: Field<'v>, place: &Place) {
        let inner = place.inner(&format!(".{name}"));
        if old.required == new.required {
            return self.compare_schemas(old.schema, new.schema, &inner);
        }
        let what = match (old.required, place.direction) {
            (true, Direction::Request) => "became optional, and the previous server requires it",
            (true, _) => "became optional, and the previous client requires it",
            (false, Direction::Request) => "became required, and the previous client may omit it",
            (false, _) => "became required, and the previous server may omit it",
        };
        self.report(&inner, what);
    }

    fn added_field(&mut self, name: &str, field: Field<'v>, closed: bool, place: &Place) {
        let inner = place.inner(&format!(".{name}"));
        let from = if place.direction == Direction::Request { "client" } else { "server" };
        let to = if place.direction == Direction::Request { "server" } else { "client" };
        if field.required {
            let what = format!("a required field was added, and the previous {from} omits it");
            self.report(&inner, what);
        } else if closed {
            let what = format!(
                "a field was added, and the previous {to} refuses fields that it does not know \
                 (`deny_unknown_fields`)"
            );
            self.report(&inner, what);
        }
    }
}

const fn removed_variant(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "the value was removed, and the previous client sends it",
        Direction::Response | Direction::Refusal => {
            "the value was removed, and the previous server sends it"
        }
    }
}

/// Whether a bound refuses what was accepted before.
fn is_narrower(old: Option<&Value>, new: Option<&Value>, narrower: Narrower) -> bool {
    let Some(new) = new else { return false };
    let Some(old) = old else { return true };
    match (old.as_f64(), new.as_f64(), narrower) {
        (Some(old), Some(new), Narrower::Larger) => new > old,
        (Some(old), Some(new), Narrower::Smaller) => new < old,
        _ => old != new,
    }
}

const fn named(shape: &Shape<'_>) -> &'static str {
    match shape {
        Shape::Anything => "any value",
        Shape::Scalar(_) => "a plain value",
        Shape::List(_) => "a list",
        Shape::Map(_) => "a map",
        Shape::Object { .. } => "an object",
        Shape::Variants(_) => "an enum",
    }
}
