//! What the module adds to the OpenAPI document.

use insta::assert_snapshot;

use crate::support::App;

#[actix_web::test]
async fn all_routes_are_documented() {
    let app = App::start().await;
    let document = web::openapi(|config| {
        for add in &app.routes {
            add(config);
        }
    });
    let paths = serde_json::to_value(&document.paths).expect("JSON");
    let mut routes: Vec<String> = Vec::new();
    for (path, item) in paths.as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let command = body.as_str().and_then(|schema| schema.rsplit('/').next());
            routes.push(format!("{method} {path} {}", command.unwrap_or("-")));
            let summary = operation["summary"].as_str().unwrap_or_default();
            assert!(!summary.is_empty(), "{method} {path} says what it does");
        }
    }
    routes.sort_unstable();
    assert_snapshot!(routes.join("\n"));
}
