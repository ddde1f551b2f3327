//! What waits in outboxes and inboxes, and what could not be handled.

mod letters;
mod replay;

use std::sync::Arc;

use ::events::{Backlog, DeadLetterPage, DeadLetterQuery, DestinationBacklog, EventEngine};
use actix_web::{HttpResponse, web::Data};
use maud::{Markup, html};
use seam::CallFailure;
use web::{ApiQuery, Problem};

use crate::{
    Parts, Place, Sent,
    format::{age, count},
    frame::{Freshness, Page, Section},
    guard::Local,
};

pub(crate) use replay::{Done, replay, replay_all};

/// Dead letters that are shown of a module.
const MOST_LETTERS: u32 = 50;

/// `GET /dashboard/events`.
pub(crate) async fn show(
    _: Local,
    parts: Data<Parts>,
    done: ApiQuery<Done>,
) -> Result<HttpResponse, Problem> {
    let sent = parts.rates.sent();
    let mut sections = Vec::new();
    for module in &parts.modules {
        sections.push(match (&module.place, parts.engines.get(module.name)) {
            (Place::Here, Some(engine)) => of_module(&parts, module.name, engine, &sent).await?,
            (Place::Elsewhere { pages, .. }, _) => elsewhere(module.name, pages),
            (Place::Here, None) => html! {},
        });
    }
    let content = html! {
        h1 { "Events" }
        p.lead { "What waits to leave a module, what waits to be handled, and what could not be." }
        (done.say())
        @for section in sections { (section) }
    };
    let page = Page {
        program: parts.program,
        title: "Events",
        section: Section::Events,
        freshness: Freshness::Live,
        content,
    };
    Ok(page.answer())
}

async fn of_module(
    parts: &Parts,
    module: &str,
    engine: &Arc<EventEngine>,
    sent: &[Sent],
) -> Result<Markup, Problem> {
    let backlog = engine.backlog().await.map_err(CallFailure::from)?;
    let query = DeadLetterQuery { limit: Some(MOST_LETTERS), ..DeadLetterQuery::default() };
    let letters = engine.dead_letters().list(&query).await.map_err(CallFailure::from)?;
    let heading = format!("events-{module}");
    Ok(html! {
        section.module aria-labelledby=(heading) {
            h2 id=(heading) { (module) }
            (figures(&backlog, &letters))
            (outbox(parts, module, &backlog, sent))
            (letters::table(module, &letters))
        }
    })
}

fn figures(backlog: &Backlog, letters: &DeadLetterPage) -> Markup {
    let waiting: u64 = backlog.outbox.iter().map(|waiting| waiting.waiting).sum();
    html! {
        dl.facts {
            div { dt { "Waiting to leave" } dd { (waiting) } }
            div { dt { "Waiting for an attempt" } dd { (backlog.pending) } }
            div { dt { "For later" } dd { (backlog.scheduled) } }
            div { dt { "Dead letters" } dd.bad[backlog.dead > 0] { (backlog.dead) } }
            @if letters.next_cursor.is_some() { div { dt { "Shown" } dd { (letters.items.len()) } } }
        }
    }
}

fn elsewhere(module: &str, pages: &[String]) -> Markup {
    let heading = format!("events-{module}");
    html! {
        section.module aria-labelledby=(heading) {
            h2 id=(heading) { (module) }
            p.lead {
                "Runs in another program, which has its own tables."
                @for page in pages {
                    " " a href=(format!("{}/dashboard/events", page.trim_end_matches('/'))) { "Its events" }
                }
            }
        }
    }
}

/// A destination to which something went or is to go.
struct Way<'a> {
    destination: &'a str,
    waiting: Option<&'a DestinationBacklog>,
    sent: Option<&'a Sent>,
}

fn ways<'a>(module: &str, backlog: &'a Backlog, sent: &'a [Sent]) -> Vec<Way<'a>> {
    let of_module = || sent.iter().filter(|sent| sent.module == module);
    let waiting = backlog.outbox.iter().map(|waiting| waiting.destination.as_str());
    let mut names: Vec<&str> =
        of_module().map(|sent| sent.destination.as_str()).chain(waiting).collect();
    names.sort_unstable();
    names.dedup();
    let ways = names.into_iter().map(|destination| Way {
        destination,
        waiting: backlog.outbox.iter().find(|waiting| waiting.destination == destination),
        sent: of_module().find(|sent| sent.destination == destination),
    });
    ways.collect()
}

fn outbox(parts: &Parts, module: &str, backlog: &Backlog, sent: &[Sent]) -> Markup {
    let ways = ways(module, backlog, sent);
    let caption = format!("outbox-{module}");
    html! {
        @if ways.is_empty() { p.lead { "Nothing has been sent yet." } }
        @else {
            div.scroll tabindex="0" role="region" aria-labelledby=(caption) {
                table {
                    caption id=(caption) { "Outbox of " (module) }
                    thead {
                        tr {
                            th scope="col" { "To" } th.number scope="col" { "Sent since start" }
                            th.number scope="col" { "Waiting" } th.number scope="col" { "Oldest" }
                            th.number scope="col" { "Batches not taken" } th scope="col" { "Trouble" }
                        }
                    }
                    tbody { @for way in &ways { (draw_way(parts, way)) } }
                }
            }
        }
    }
}

fn draw_way(parts: &Parts, way: &Way<'_>) -> Markup {
    let now = parts.clock.now();
    html! {
        tr {
            th scope="row" { (way.destination) }
            td.number { @if let Some(sent) = way.sent { (sent.events) } @else { "–" } }
            td.number { (way.waiting.map_or(0, |waiting| waiting.waiting)) }
            td.number { @if let Some(waiting) = way.waiting { (age(now.since(waiting.oldest))) } @else { "–" } }
            td.number { @if let Some(sent) = way.sent { (sent.refusals) } @else { "–" } }
            td.long {
                @if let Some(DestinationBacklog { failing_since: Some(since), last_error, .. }) = way.waiting {
                    span.mark.bad { "failing" } " for " (age(now.since(*since)))
                    @if let Some(error) = last_error { ": " (error) }
                } @else { "none" }
            }
        }
    }
}

/// `3 dead letters`.
fn letters(number: u64) -> String {
    count(number, "dead letter", "dead letters")
}
