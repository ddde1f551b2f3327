//! From the fields of `tracing` to a span's attributes.

use std::{borrow::Cow, error::Error, fmt};

use kernel::with_causes;
use tracing::field::{Field, Visit};

use crate::{
    Kind, Value,
    conventions::{SPAN_KIND, SPAN_NAME},
};

/// Of a text longer than this the rest is left out, in bytes: no field is meant to be long, and what
/// is held must be bounded.
const LONGEST: usize = 1_024;

/// What a span's fields say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) kind: Kind,
    pub(crate) attributes: Vec<(&'static str, Value)>,
}

impl Fields {
    pub(crate) fn with_room_for(fields: usize) -> Self {
        Self { attributes: Vec::with_capacity(fields), ..Self::default() }
    }

    fn set(&mut self, field: &Field, value: Value) {
        let name = field.name();
        match self.attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.attributes.push((name, value)),
        }
    }

    fn text(&mut self, field: &Field, text: Cow<'_, str>) {
        match field.name() {
            SPAN_NAME => self.name = Some(Cow::Owned(shortened(text))),
            SPAN_KIND => self.kind = Kind::named(&text),
            _ => self.set(field, Value::Text(shortened(text))),
        }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::Int(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Value::Float(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, Cow::Borrowed(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, Cow::Owned(with_causes(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, Cow::Owned(format!("{value:?}")));
    }
}

pub(crate) fn shortened(text: Cow<'_, str>) -> String {
    if text.len() <= LONGEST {
        return text.into_owned();
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_ends_between_two_characters() {
        let text = "é".repeat(LONGEST);
        let shortened = shortened(Cow::Borrowed(&text));
        assert_eq!(shortened.chars().count(), LONGEST / 2 + 1);
        assert!(shortened.ends_with("é…"));
    }
}
