use seam::Port;
use serde_json::json;

use crate::counter::CounterApi;

#[test]
fn the_schema_names_what_crosses_and_how() {
    let schema = <dyn CounterApi>::schema();
    assert_eq!(schema["service"], "counter");
    assert_eq!(schema["port"], "CounterApi");
    assert_eq!(schema["version"], 3);
    let count = &schema["methods"]["count"];
    assert_eq!(count["kind"], "write");
    assert_eq!(count["argument"]["properties"]["by"]["type"], "integer");
    assert_eq!(count["result"]["required"], json!(["total"]));
    let total = &schema["methods"]["total"];
    assert_eq!(total["kind"], "read");
    assert!(total.get("argument").is_none(), "{total}");
    assert_eq!(total["result"], count["result"]);
}

#[test]
fn the_schema_describes_refusals_and_not_failures() {
    let refusals = <dyn CounterApi>::schema()["methods"]["count"]["refusals"].to_string();
    assert!(refusals.contains("too_far") && refusals.contains("limit"), "{refusals}");
    assert!(!refusals.to_lowercase().contains("call"), "{refusals}");
}

#[test]
fn types_that_others_refer_to_are_described_once() {
    let schema = <dyn CounterApi>::schema();
    assert_eq!(schema["schemas"]["Step"]["properties"]["by"]["type"], "integer");
}
