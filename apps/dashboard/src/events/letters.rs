//! Dead letters in a table, each with a button.

use ::events::{DeadLetter, DeadLetterPage, Happening};
use maud::{Markup, html};

use crate::format::moment;

pub(super) fn table(module: &str, page: &DeadLetterPage) -> Markup {
    let caption = format!("dead-{module}");
    html! {
        @if !page.items.is_empty() {
            div.scroll tabindex="0" role="region" aria-labelledby=(caption) {
                table.letters {
                    caption id=(caption) { "Dead letters of " (module) }
                    thead {
                        tr {
                            th scope="col" { "Event" } th scope="col" { "Consumer" }
                            th scope="col" { "Came (UTC)" } th scope="col" { "Why it is here" }
                            th scope="col" { "Replay" }
                        }
                    }
                    tbody { @for letter in &page.items { (row(module, letter)) } }
                }
            }
            div.actions { @for consumer in consumers(page) { (replay_all(module, consumer)) } }
        }
    }
}

fn row(module: &str, letter: &DeadLetter) -> Markup {
    let (event, consumer) = (&letter.id.event, &letter.id.consumer);
    let name = letter.event_type.as_deref().unwrap_or("an event that cannot be read");
    let key = format!("{module}-{event}-{consumer}");
    html! {
        tr id=(format!("letter-{key}")) {
            th scope="row" { (name) div.minor { code { (event) } } }
            td { (consumer) }
            td.time { (moment(letter.received_at)) }
            td.long { (reason(letter)) }
            td {
                form method="post" action=(format!("/dashboard/events/{module}/{event}/{consumer}/replay")) {
                    button id=(format!("replay-{key}")) aria-label=(format!("Replay {name} for {consumer}")) { "Replay" }
                }
            }
        }
    }
}

fn reason(letter: &DeadLetter) -> Markup {
    html! {
        @match letter.last.as_ref().map(|entry| &entry.what) {
            Some(Happening::Parked { attempt, error }) => {
                (error)
                @if *attempt > 0 { div.minor { "attempt " (attempt) } }
            }
            Some(Happening::Failed { error, .. }) => (error),
            Some(Happening::Replayed) | None => "unknown",
        }
    }
}

/// Those that have letters on the page, each once.
fn consumers(page: &DeadLetterPage) -> Vec<&str> {
    let mut names: Vec<&str> =
        page.items.iter().map(|letter| letter.id.consumer.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn replay_all(module: &str, consumer: &str) -> Markup {
    html! {
        form method="post" action=(format!("/dashboard/events/{module}/{consumer}/replay")) {
            button id=(format!("replay-all-{module}-{consumer}")) { "Replay all of " (consumer) }
        }
    }
}
