//! Reads JSON schemas, as utoipa writes them, for what they say of the wire: descriptions, examples
//! and the names of types are not on it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// References that lead to references, at most.
const DEEPEST: usize = 32;

/// A schema and what its references mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schema<'v> {
    pub(super) value: &'v Value,
    pub(super) schemas: &'v Value,
}

/// What a value may look like on the wire.
#[derive(Debug)]
pub(super) struct Wire<'v> {
    pub(super) shape: Shape<'v>,
    /// Whether it may be `null`.
    pub(super) nullable: bool,
    /// The last reference on the way here: where two types refer to each other, the way ends.
    pub(super) reference: Option<&'v str>,
}

#[derive(Debug)]
pub(super) enum Shape<'v> {
    /// Not described any further.
    Anything,
    Scalar(Scalar<'v>),
    List(Schema<'v>),
    Map(Schema<'v>),
    Object {
        fields: BTreeMap<&'v str, Field<'v>>,
        /// Whether a field that is not known is refused.
        closed: bool,
    },
    /// An enum: its variants by name, with their schema where they are more than a name.
    Variants(BTreeMap<String, Option<Schema<'v>>>),
}

#[derive(Debug)]
pub(super) struct Scalar<'v> {
    pub(super) kind: &'v str,
    pub(super) format: Option<&'v str>,
    pub(super) bounds: BTreeMap<&'v str, &'v Value>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'v> {
    pub(super) required: bool,
    pub(super) schema: Schema<'v>,
}

/// Keywords that narrow what is accepted, and whether a larger value narrows it more.
pub(super) const BOUNDS: [(&str, Narrower); 9] = [
    ("minimum", Narrower::Larger),
    ("exclusiveMinimum", Narrower::Larger),
    ("minLength", Narrower::Larger),
    ("minItems", Narrower::Larger),
    ("maximum", Narrower::Smaller),
    ("exclusiveMaximum", Narrower::Smaller),
    ("maxLength", Narrower::Smaller),
    ("maxItems", Narrower::Smaller),
    ("pattern", Narrower::Different),
];

/// Which change of a bound refuses what was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Narrower {
    Larger,
    Smaller,
    Different,
}

impl<'v> Schema<'v> {
    fn at(self, value: &'v Value) -> Self {
        Self { value, ..self }
    }

    /// What the schema says of the wire.
    pub(super) fn wire(self) -> Wire<'v> {
        let (resolved, reference) = self.resolved();
        let mut wire = resolved.read();
        wire.reference = wire.reference.or(reference);
        wire
    }

    /// The schema at the end of its references.
    fn resolved(self) -> (Self, Option<&'v str>) {
        let (mut schema, mut reference) = (self, None);
        for _ in 0..DEEPEST {
            let Some(name) = schema.value.get("$ref").and_then(Value::as_str) else { break };
            let name = name.rsplit('/').next().unwrap_or(name);
            reference = Some(name);
            match self.schemas.get(name) {
                Some(value) => schema = self.at(value),
                None => break,
            }
        }
        (schema, reference)
    }

    fn read(self) -> Wire<'v> {
        let value = self.value;
        let alternatives =
            value.get("oneOf").or_else(|| value.get("anyOf")).and_then(Value::as_array);
        if let Some(alternatives) = alternatives {
            return self.read_alternatives(alternatives);
        }
        if let Some(parts) = value.get("allOf").and_then(Value::as_array) {
            return Wire::of(self.read_parts(parts));
        }
        let kinds: Vec<&str> = match value.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let nullable = kinds.contains(&"null");
        let kind = kinds.into_iter().find(|kind| *kind != "null");
        let shape = match kind {
            None => Shape::Anything,
            Some("array") => Shape::List(self.at(value.get("items").unwrap_or(&Value::Null))),
            Some("object") => self.read_object(),
            Some(kind) => self.read_scalar(kind),
        };
        Wire { shape, nullable, reference: None }
    }

    fn read_scalar(self, kind: &'v str) -> Shape<'v> {
        if let Some(texts) = self.value.get("enum").and_then(Value::as_array) {
            let texts = texts.iter().filter_map(Value::as_str);
            return Shape::Variants(texts.map(|text| (text.to_owned(), None)).collect());
        }
        let bounds = BOUNDS.iter().filter_map(|(name, _)| Some((*name, self.value.get(*name)?)));
        Shape::Scalar(Scalar {
            kind,
            format: self.value.get("format").and_then(Value::as_str),
            bounds: bounds.collect(),
        })
    }

    fn read_object(self) -> Shape<'v> {
        let additional = self.value.get("additionalProperties");
        let closed = additional == Some(&Value::Bool(false));
        let Some(properties) = self.value.get("properties").and_then(Value::as_object) else {
            return match additional {
                Some(items @ Value::Object(_)) => Shape::Map(self.at(items)),
                _ if closed => Shape::Object { fields: BTreeMap::new(), closed },
                _ => Shape::Anything,
            };
        };
        let required: BTreeSet<&str> = self
            .value
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        Shape::Object { fields: self.fields(properties, &required), closed }
    }

    fn fields(
        self,
        properties: &'v Map<String, Value>,
        required: &BTreeSet<&str>,
    ) -> BTreeMap<&'v str, Field<'v>> {
        let field =
            |name: &str, value| Field { required: required.contains(name), schema: self.at(value) };
        properties.iter().map(|(name, value)| (name.as_str(), field(name, value))).collect()
    }

    /// `allOf` is how flattened structs and tagged newtype variants are written: one object.
    fn read_parts(self, parts: &'v [Value]) -> Shape<'v> {
        let (mut all, mut any_closed) = (BTreeMap::new(), false);
        for part in parts {
            match self.at(part).wire().shape {
                Shape::Object { fields, closed } => {
                    all.extend(fields);
                    any_closed |= closed;
                }
                Shape::Anything => {}
                // A single part is only a way to put a description beside a reference.
                other if parts.len() == 1 => return other,
                _ => return Shape::Anything,
            }
        }
        Shape::Object { fields: all, closed: any_closed }
    }

    fn read_alternatives(self, alternatives: &'v [Value]) -> Wire<'v> {
        let is_null = |value: &&Value| value.get("type").and_then(Value::as_str) == Some("null");
        let nullable = alternatives.iter().any(|value| is_null(&value));
        let rest: Vec<&Value> = alternatives.iter().filter(|value| !is_null(value)).collect();
        if let ([only], true) = (rest.as_slice(), nullable) {
            return Wire { nullable, ..self.at(only).wire() };
        }
        let mut variants = BTreeMap::new();
        for value in rest {
            let schema = self.at(value);
            match schema.wire().shape {
                Shape::Variants(names) => variants.extend(names),
                shape => {
                    variants.insert(variant_name(value, &shape), Some(schema));
                }
            }
        }
        Wire { shape: Shape::Variants(variants), nullable, reference: None }
    }
}

impl<'v> Wire<'v> {
    const fn of(shape: Shape<'v>) -> Self {
        Self { shape, nullable: false, reference: None }
    }
}

/// A variant is told by its tag: a required field with one possible value, or else the only
/// required field; what has neither is told by its schema.
fn variant_name(value: &Value, shape: &Shape<'_>) -> String {
    if let Shape::Object { fields, .. } = shape {
        let mut required = fields.iter().filter(|(_, field)| field.required);
        let tag = required.clone().find_map(|(_, field)| match field.schema.wire().shape {
            Shape::Variants(names) if names.len() == 1 => names.into_keys().next(),
            _ => None,
        });
        if let Some(tag) = tag {
            return tag;
        }
        if let (Some((name, _)), None) = (required.next(), required.next()) {
            return (*name).to_owned();
        }
    }
    value.to_string()
}
