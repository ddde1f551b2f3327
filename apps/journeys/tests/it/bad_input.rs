//! Bad input gets a problem with a stable type, in every shape the same.

use anyhow::ensure;
use journeys::organization;
use reqwest::Method;
use serde_json::json;

use crate::shape::in_every_shape;

in_every_shape! {
    fn bad_input_is_a_problem_and_never_a_panic(api) {
        let owner = organization(&api, "clumsy").await?;
        let post = |body: &'static str, media_type: &'static str| {
            let request = owner.api.request(Method::POST, "/v1/billing/usage-events");
            request.header("content-type", media_type).body(body)
        };
        let json_type = "application/json";
        let malformed = api.send(post("[{", json_type)).await?;
        malformed.expect_problem(400, "malformed-json")?;
        let wrong_type = api.send(post("a=b", "application/x-www-form-urlencoded")).await?;
        wrong_type.expect_problem(415, "unsupported-media-type")?;
        let unknown_field = r#"[{"id":"a","meter":"api_calls","quantity":1,"at":"2026-01-01T00:00:00Z","colour":"blue"}]"#;
        let unknown_field = api.send(post(unknown_field, json_type)).await?;
        ensure!(unknown_field.status == 422, "{unknown_field:#?}");

        let huge = format!("[{}]", " ".repeat(2 * 1024 * 1024));
        let request = owner.api.request(Method::POST, "/v1/billing/usage-events");
        let huge = api.send(request.header("content-type", json_type).body(huge)).await?;
        huge.expect_problem(413, "body-too-large")?;

        let invalid_id = owner.api.get("/v1/billing/invoices/not-an-id").await?;
        ensure!(invalid_id.status == 400 || invalid_id.status == 404, "{invalid_id:#?}");
        invalid_id.expect_problem(400, "invalid-parameter")?;
        let cursor = owner.api.get("/v1/billing/invoices?cursor=made-up").await?;
        cursor.expect_problem(400, "invalid-parameter")?;
        owner.api.get("/v1/nothing/here").await?.expect_problem(404, "not-found")?;
        owner.api.delete("/v1/billing/plans").await?.expect_problem(405, "method-not-allowed")?;
    }

    fn only_a_valid_token_opens_a_door(api) {
        for path in ["/v1/auth/me", "/v1/billing/subscription", "/v1/notifications"] {
            let none = api.get(path).await?;
            ensure!(none.headers.contains_key("www-authenticate"), "{none:#?}");
            none.expect_problem(401, "unauthenticated")?;
            let forged = api.with_token("eyJhbGciOiJub25lIn0.e30.").get(path).await?;
            forged.expect_problem(401, "token-invalid")?;
        }
    }

    fn a_registration_says_what_is_wrong_with_it(api) {
        let registration = json!({
            "email": "no address", "password": "short", "name": "", "organization": "o",
        });
        let answer = api.post("/v1/auth/register", &registration).await?;
        ensure!(answer.status == 422, "{answer:#?}");
        ensure!(answer.body["errors"].as_array().is_some_and(|errors| errors.len() >= 3), "{answer:#?}");
        ensure!(!answer.body.to_string().contains("short\""), "a password was echoed: {answer:#?}");
    }

    fn answers_carry_the_headers_that_keep_browsers_safe(api) {
        let answer = api.get("/v1/billing/plans").await?;
        ensure!(answer.headers.get("x-content-type-options").is_some_and(|v| v == "nosniff"), "{answer:#?}");
        let duplicated = answer.headers.keys().find(|name| {
            answer.headers.get_all(*name).iter().count() > 1 && name.as_str() != "vary"
        });
        ensure!(duplicated.is_none(), "sent twice: {duplicated:?} in {answer:#?}");
        let preflight = api
            .request(Method::OPTIONS, "/v1/billing/plans")
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "GET");
        let preflight = api.send(preflight).await?;
        ensure!(!preflight.headers.contains_key("access-control-allow-origin"), "{preflight:#?}");
    }
}
