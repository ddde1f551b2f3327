//! What all pages have around them, and their style and script.

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_SECURITY_POLICY, ContentType, REFERRER_POLICY},
};
use maud::{DOCTYPE, Markup, html};

use crate::guard::Local;

/// The page's own style and script, and what they fetch from here; nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// With `no-referrer`, which the other answers have, a browser does not say where a form is from.
const REFERRER: &str = "same-origin";

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// A page without what is around it.
pub(crate) struct Page<'a> {
    pub(crate) program: &'a str,
    pub(crate) title: &'a str,
    /// Which link of the navigation leads here.
    pub(crate) section: Section,
    pub(crate) freshness: Freshness,
    pub(crate) content: Markup,
}

/// The parts of the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Map,
    Traces,
    Events,
    Mailbox,
    /// What a link in a mail leads to.
    Landing,
}

/// Whether a page changes while it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The script fetches it every so often, and takes over what has changed.
    Live,
    /// It stays as it came.
    Still,
}

const LINKS: [(Section, &str, &str); 4] = [
    (Section::Map, "/", "Modules"),
    (Section::Traces, "/dashboard/traces", "Traces"),
    (Section::Events, "/dashboard/events", "Events"),
    (Section::Mailbox, "/dashboard/mailbox", "Mailbox"),
];

impl Page<'_> {
    /// The whole page.
    pub(crate) fn answer(self) -> HttpResponse {
        HttpResponse::Ok()
            .content_type(ContentType::html())
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((REFERRER_POLICY, REFERRER))
            .body(self.draw().into_string())
    }

    fn draw(&self) -> Markup {
        let is_live = self.freshness == Freshness::Live;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · " (self.program) }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href="/dashboard/style.css";
                    script src="/dashboard/script.js" defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        div.bar {
                            p.program { "Ashlar " span { (self.program) } }
                            nav aria-label="Dashboard" {
                                ul {
                                    @for (section, href, name) in LINKS {
                                        @let current = (section == self.section).then_some("page");
                                        li { a href=(href) aria-current=[current] { (name) } }
                                    }
                                    li { a href="/docs/" { "API" } }
                                }
                            }
                            // The script shows it: without one there is nothing to pause.
                            button #pause type="button" hidden aria-pressed="false" disabled[!is_live] {
                                "Pause updates"
                            }
                        }
                    }
                    main #main tabindex="-1" data-live[is_live] { (self.content) }
                }
            }
        }
    }
}

/// `/dashboard/style.css`.
pub(crate) async fn style(_: Local) -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(STYLE)
}

/// `/dashboard/script.js`.
pub(crate) async fn script(_: Local) -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(SCRIPT)
}
