//! The document that modules' routes add up to.

use insta::assert_json_snapshot;
use serde_json::Value;

use crate::support::routes;

fn document() -> Value {
    serde_json::to_value(web::openapi(routes)).expect("the document is JSON")
}

#[test]
fn paths_are_those_of_the_scopes() {
    let document = document();
    let paths = document["paths"].as_object().expect("paths");
    let mut operations: Vec<String> = Vec::new();
    for (path, item) in paths {
        let methods = item.as_object().expect("operations");
        operations.extend(methods.keys().map(|method| format!("{method} {path}")));
    }
    assert_json_snapshot!(operations);
}

#[test]
fn problems_and_the_security_scheme_are_shared() {
    let document = document();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert_json_snapshot!(document["components"]);
    assert_json_snapshot!(document["paths"]["/v1/parts/{id}"]["get"]);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
