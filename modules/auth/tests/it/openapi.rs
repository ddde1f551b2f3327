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
        for method in item.as_object().expect("an item").keys() {
            routes.push(format!("{method} {path}"));
        }
    }
    routes.sort_unstable();
    assert_snapshot!(routes.join("\n"));
}
