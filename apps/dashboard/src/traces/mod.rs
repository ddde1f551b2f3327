//! Recent traces: a list, and each as a waterfall.

mod recent;
mod tree;
mod waterfall;

use actix_web::{HttpResponse, web::Data};
use maud::{Markup, html};
use serde::Deserialize;
use web::{ApiPath, ApiQuery, Problem};

use crate::{
    Parts,
    format::{time_of_day, took},
    frame::{Freshness, Page, Section},
    guard::Local,
};

pub use recent::RecentTraces;
use recent::{SLOW, Summary};

/// `GET /dashboard/traces`.
pub(crate) async fn list(_: Local, parts: Data<Parts>) -> HttpResponse {
    let content = html! {
        h1 { "Traces" }
        @match &parts.traces {
            None => p.lead { "This process keeps none: " code { "telemetry.recent_traces" } " is off." },
            Some(traces) => {
                p.lead {
                    "The last " (RecentTraces::MOST_TRACES) " traces that came through " (parts.program)
                    ", newest first. Slow are requests of " (took(SLOW)) " and more."
                }
                (table(&traces.list()))
            }
        }
    };
    page(&parts, "Traces", content)
}

fn table(traces: &[Summary]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-labelledby="traces" {
            table {
                caption #traces { "Recent traces" }
                thead {
                    tr {
                        th scope="col" { "Began (UTC)" } th scope="col" { "What" }
                        th scope="col" { "Status" } th scope="col" { "Marks" }
                        th.number scope="col" { "Took" } th.number scope="col" { "To its last span" }
                        th.number scope="col" { "Spans" }
                    }
                }
                tbody {
                    @for trace in traces { (row(trace)) }
                    @if traces.is_empty() {
                        tr { td colspan="7" { "No request has come in yet. Try the " a href="/docs/" { "API" } "." } }
                    }
                }
            }
        }
    }
}

fn row(trace: &Summary) -> Markup {
    let id = format!("{:032x}", trace.id);
    html! {
        tr id=(format!("t{id}")) {
            td.time { (time_of_day(trace.began)) }
            th scope="row" { a id=(format!("a{id}")) href=(format!("/dashboard/traces/{id}")) { (trace.name) } }
            td { @if let Some(status) = trace.status { (status) } @else { "–" } }
            td {
                @if trace.failed { span.mark.bad { "failed" } " " }
                @if trace.is_slow() { span.mark.slow { "slow" } }
            }
            td.number { (took(trace.took)) }
            td.number { (took(trace.whole)) }
            td.number { (trace.spans) }
        }
    }
}

/// `GET /dashboard/traces/{id}`.
pub(crate) async fn show(
    _: Local,
    parts: Data<Parts>,
    id: ApiPath<String>,
    view: ApiQuery<View>,
) -> Result<HttpResponse, Problem> {
    let id = u128::from_str_radix(&id, 16).map_err(|_| Problem::not_found())?;
    let traces = parts.traces.as_ref().ok_or_else(Problem::not_found)?;
    let trace = traces.find(id).ok_or_else(Problem::not_found)?;
    Ok(page(&parts, "Trace", waterfall::draw(&parts, &trace, view.statements)))
}

/// How a trace is looked at.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct View {
    statements: Statements,
}

/// Whether statements are drawn, of which most spans are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Statements {
    #[default]
    Shown,
    Hidden,
}

fn page(parts: &Parts, title: &str, content: Markup) -> HttpResponse {
    let freshness = Freshness::Live;
    Page { program: parts.program, title, section: Section::Traces, freshness, content }.answer()
}
