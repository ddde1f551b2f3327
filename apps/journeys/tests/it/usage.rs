//! Usage is counted once per id.

use anyhow::{Context as _, ensure};
use journeys::organization;
use serde_json::{Value, json};

use crate::shape::in_every_shape;

in_every_shape! {
    fn usage_counts_once_however_often_it_is_sent(api) {
        let owner = organization(&api, "metered").await?;
        let at = now_at(&owner.api).await?;
        let event = |n: u32| json!({ "id": format!("e{n}"), "meter": "api_calls", "quantity": n, "at": at });
        let path = "/v1/billing/usage-events";
        let batch: Vec<Value> = (1..=100).map(event).collect();
        let first = owner.api.post(path, &json!(batch)).await?;
        ensure!(first.status.is_success(), "{first:#?}");
        ensure!(first.body["counted"] == 100, "{first:#?}");
        let again: Vec<Value> = (51..=110).map(event).collect();
        let again = owner.api.post(path, &json!(again)).await?;
        ensure!(again.body["counted"] == 10 && again.body["repeated"] == 50, "{again:#?}");

        let usage = owner.api.get("/v1/billing/usage").await?.expect(200)?;
        let total: i64 = (1..=110).sum();
        let meters = usage["items"].as_array().context("no items")?;
        let sum: i64 = meters
            .iter()
            .filter(|meter| meter["meter"] == "api_calls")
            .filter_map(|meter| meter["quantity"].as_i64())
            .sum();
        ensure!(sum == total, "{usage:#}");

        let other = organization(&api, "unmetered").await?;
        let theirs = other.api.post(path, &json!([event(1)])).await?;
        ensure!(theirs.body["counted"] == 1, "ids are per tenant: {theirs:#?}");
    }

    fn a_batch_is_counted_whole_or_not_at_all(api) {
        let owner = organization(&api, "wholebatch").await?;
        let at = now_at(&owner.api).await?;
        let good = json!({ "id": "g", "meter": "api_calls", "quantity": 1, "at": at });
        let bad = json!({ "id": "b", "meter": "no_such_meter", "quantity": 1, "at": at });
        let path = "/v1/billing/usage-events";
        let answer = owner.api.post(path, &json!([good, bad])).await?;
        ensure!(answer.status == 422, "{answer:#?}");
        let answer = owner.api.post(path, &json!([good])).await?;
        ensure!(answer.body["counted"] == 1, "{answer:#?}");
        let too_many: Vec<&Value> = std::iter::repeat_n(&good, 1_001).collect();
        let answer = owner.api.post(path, &json!(too_many)).await?;
        ensure!(answer.status == 422, "{answer:#?}");
    }
}

/// Now, by the clock of the server.
pub(crate) async fn now_at(api: &journeys::Api) -> anyhow::Result<String> {
    now(&api.get("/health/live").await?.headers)
}

/// The server's own time (RFC 9110 §6.6.1) as RFC 3339, so that no clock but its own is asked.
fn now(headers: &reqwest::header::HeaderMap) -> anyhow::Result<String> {
    let date = headers.get("date").context("no date")?.to_str()?;
    // `Sat, 21 Nov 2026 20:08:45 GMT`
    let mut parts = date.split_whitespace().skip(1);
    let mut next = || parts.next().context("a malformed date");
    let (day, month, year, time) = (next()?, next()?, next()?, next()?);
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == month).context("a malformed month")? + 1;
    Ok(format!("{year}-{month:02}-{day}T{time}Z"))
}
