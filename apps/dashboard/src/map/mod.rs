//! The modules and the calls between them.

mod curve;
mod draw;
mod edges;
mod layout;
mod rates;

use actix_web::{HttpResponse, web::Data};
use maud::{Markup, html};

use crate::{
    Parts, Place,
    format::{count, per_second, took},
    frame::{Freshness, Page, Section},
    guard::Local,
};

use edges::{Edge, Kind};
pub use rates::{Rates, ReadCalls};

/// `GET /`.
pub(crate) async fn show(_: Local, parts: Data<Parts>) -> HttpResponse {
    let last = parts.rates.last_minute();
    let edges = edges::between(&last);
    let content = html! {
        h1 { "Modules of " (parts.program) }
        p.lead {
            "Drawn from the running process: what its modules called and sent in the last "
            (last.window.as_secs().max(1)) " s. What other programs send is on their own pages."
        }
        section aria-label="Map of the modules" { (draw::map(&parts, &edges)) }
        section aria-label="Calls" { (table(&edges)) }
        section aria-label="Places" { (places(&parts)) }
        section aria-labelledby="further" { (further(&parts)) }
    };
    Page {
        program: parts.program,
        title: "Modules",
        section: Section::Map,
        freshness: Freshness::Live,
        content,
    }
    .answer()
}

fn table(edges: &[Edge]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-labelledby="calls" {
            table {
                caption #calls { "Calls and events between modules" }
                thead {
                    tr {
                        th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "What" }
                        th scope="col" { "Transport" }
                        th.number scope="col" { "Per second" } th.number scope="col" { "Mean" }
                        th.number scope="col" { "Count" } th.number scope="col" { "Failed" }
                        th.number scope="col" { "Since start" }
                    }
                }
                tbody {
                    @for edge in edges { (row(edge)) }
                    @if edges.is_empty() {
                        tr { td colspan="9" { "No module has called another yet. Try the " a href="/docs/" { "API" } "." } }
                    }
                }
            }
        }
    }
}

fn row(edge: &Edge) -> Markup {
    html! {
        tr id=(format!("edge-{}-{}-{}", edge.from, edge.to, edge.kind.name())) .quiet[edge.count == 0] {
            th scope="row" { (edge.from) }
            td { (edge.to) }
            td { (edge.kind.name()) }
            td { (transport(&edge.transport)) }
            td.number { (per_second(edge.per_second)) }
            td.number { (mean(edge)) }
            td.number { (edge.count) }
            td.number .bad[edge.failures > 0] { (edge.failures) }
            td.number { (edge.ever) }
        }
    }
}

/// What a person calls it.
fn transport(name: &str) -> &str {
    match name {
        seam::DIRECT => "in process",
        "loopback" => "loopback",
        "http" => "HTTP",
        other => other,
    }
}

fn mean(edge: &Edge) -> String {
    edge.mean.map_or_else(|| "–".to_owned(), took)
}

fn places(parts: &Parts) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-labelledby="places" {
            table {
                caption #places { "Where modules run" }
                thead { tr { th scope="col" { "Module" } th scope="col" { "Place" } th scope="col" { "Address" } } }
                tbody {
                    @for module in &parts.modules {
                        tr {
                            th scope="row" { (module.name) }
                            @match &module.place {
                                Place::Here => { td { "local" } td { "in " (parts.program) } }
                                Place::Elsewhere { calls, pages } => {
                                    td { "remote" }
                                    td {
                                        (calls.join(", "))
                                        @for page in pages { " · " a href=(page) { "its dashboard" } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn further(parts: &Parts) -> Markup {
    let internal = format!("http://{}", parts.internal);
    let here = parts.modules.iter().filter(|module| module.place == Place::Here).count() as u64;
    html! {
        h2 #further { "Further" }
        ul.links {
            li { a href="/docs/" { "API to try out" } ", described in " a href="/openapi.json" { "openapi.json" } }
            li { a href="/health/ready" { "Health" } " of the program and its " (count(here, "module", "modules")) }
            li { a href=(format!("{internal}/metrics")) { "Metrics" } " for Prometheus, on the internal listener" }
            li {
                "In the repository: " code { "README.md" } ", " code { "docs/architecture.md" } ", "
                code { "docs/observability.md" } ", and what to do when an alert fires in "
                code { "docs/runbooks/README.md" }
            }
        }
    }
}
