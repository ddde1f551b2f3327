//! The description of the routes.

use insta::assert_snapshot;

use crate::support::Bench;

#[actix_web::test]
async fn every_route_is_described() {
    let bench = Bench::new().await;
    let document = web::openapi(bench.routes());
    let document = serde_json::to_value(document).expect("JSON");
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let summary = operation["summary"].as_str().expect("a summary");
            let access = if operation["security"].is_null() { "open" } else { "bearer" };
            operations.push(format!("{method} {path} ({access}): {summary}"));
        }
    }
    operations.sort_unstable();
    assert_snapshot!(operations.join("\n"));
}
