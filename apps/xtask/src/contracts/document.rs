//! Contracts as files: `docs/contracts/<service>.<Port>.v<N>.json` and
//! `docs/contracts/events/<type>.v<N>.json`.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use super::catalogue::{EVENTS, PORTS};

/// The folder of all contracts, below the root.
pub(super) const FOLDER: &str = "docs/contracts";

/// A contract and where it is checked in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    /// Below [`FOLDER`].
    pub(super) file: String,
    pub(super) content: Value,
}

impl Document {
    /// As it is written: keys sorted, so that the same types give the same bytes.
    pub(super) fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(&sorted(&self.content));
        Ok(text.with_context(|| format!("writing {}", self.file))? + "\n")
    }
}

/// Every contract, as the types of this build have it.
pub(super) fn generate() -> Result<Vec<Document>> {
    let ports = PORTS.iter().map(|schema| port_document(schema()));
    let events = EVENTS.iter().map(|schema| event_document(schema()));
    ports.chain(events).collect()
}

fn port_document(content: Value) -> Result<Document> {
    let (service, port) = (text(&content, "service")?, text(&content, "port")?);
    let file = format!("{service}.{port}.v{}.json", content["version"]);
    Ok(Document { file, content })
}

fn event_document(content: Value) -> Result<Document> {
    let file = format!("events/{}.v{}.json", text(&content, "event")?, content["version"]);
    Ok(Document { file, content })
}

/// The text at `key`.
pub(super) fn text<'v>(content: &'v Value, key: &str) -> Result<&'v str> {
    content[key].as_str().with_context(|| format!("a contract has no `{key}`"))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            let fields: Map<String, Value> =
                keys.into_iter().map(|key| (key.clone(), sorted(&fields[key]))).collect();
            Value::Object(fields)
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_has_a_file_of_its_own() {
        let documents = generate().expect("the catalogue is sound");
        let mut files: Vec<&str> = documents.iter().map(|found| found.file.as_str()).collect();
        assert!(files.contains(&"billing.BillingApi.v1.json"), "{files:?}");
        assert!(files.contains(&"events/billing.invoice_paid.v1.json"), "{files:?}");
        files.sort_unstable();
        let count = files.len();
        files.dedup();
        assert_eq!(files.len(), count);
    }

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let text = |content: &str| {
            let content = serde_json::from_str(content).expect("the test's own JSON");
            Document { file: String::new(), content }.text().expect("JSON can be written")
        };
        assert_eq!(text(r#"{"b":[{"d":1,"c":2}],"a":0}"#), text(r#"{"a":0,"b":[{"c":2,"d":1}]}"#));
    }
}
