//! The mails of the sandbox.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_SECURITY_POLICY, ContentType},
    web::{self as actix, Data},
};
use maud::{Markup, html};
use sandbox::{SandboxMailbox, SentMail};
use serde::Deserialize;
use web::{ApiPath, ApiQuery, Problem};

use crate::{
    Parts,
    format::moment,
    frame::{Freshness, Page, Section},
    guard::Local,
};

/// The most mails that are shown.
const MOST: usize = 100;

/// A mail is a stranger's: it runs nothing, fetches nothing, and is of no origin. Its links lead on.
const MAIL_POLICY: &str = "sandbox; default-src 'none'; \
                           style-src 'unsafe-inline'; img-src data:; form-action 'none'; \
                           frame-ancestors 'none'; base-uri 'none'";

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Filter {
    to: Option<String>,
}

/// `GET /dashboard/mailbox`.
pub(crate) async fn list(
    _: Local,
    parts: Data<Parts>,
    filter: ApiQuery<Filter>,
) -> Result<HttpResponse, Problem> {
    let to = filter.into_inner().to.filter(|to| !to.trim().is_empty());
    let mails = read(&parts.mailbox, to.clone()).await?;
    let content = html! {
        h1 { "Mailbox" }
        p.lead { "What the sandbox took instead of sending it, the last " (MOST) " mails. Links work." }
        form.filter role="search" {
            label for="to" { "To" }
            input #to type="email" name="to" value=[to.as_deref()] autocomplete="off";
            button { "Show" }
            @if to.is_some() { a href="/dashboard/mailbox" { "Show all" } }
        }
        @if mails.is_empty() { p { "No mail has been sent" @if to.is_some() { " to this address" } "." } }
        ol.mails { @for mail in &mails { (draw(mail)) } }
    };
    let page = Page {
        program: parts.program,
        title: "Mailbox",
        section: Section::Mailbox,
        freshness: Freshness::Live,
        content,
    };
    Ok(page.answer())
}

fn draw(mail: &SentMail) -> Markup {
    let id = &mail.message_id;
    html! {
        li id=(format!("mail-{id}")) {
            article aria-labelledby=(format!("subject-{id}")) {
                h2 id=(format!("subject-{id}")) { (mail.subject) }
                dl.facts {
                    div { dt { "To" } dd { (mail.to) } }
                    div { dt { "From" } dd { (mail.from) } }
                    div { dt { "Sent" } dd { (moment(mail.sent_at)) " UTC" } }
                    div { dt { "As HTML" } dd { a href=(format!("/dashboard/mailbox/{id}")) { "look" span.hidden { " at " (mail.subject) } } } }
                }
                p.body { (linked(&mail.text, &mail.links)) }
            }
        }
    }
}

/// The text, in which the links can be followed.
fn linked(text: &str, links: &[String]) -> Markup {
    let is_web = |link: &&String| link.starts_with("http://") || link.starts_with("https://");
    let links: Vec<&String> = links.iter().filter(is_web).collect();
    let mut rest = text;
    let mut pieces = Vec::new();
    // The first one; of two that begin at the same place, the longer.
    let next = |rest: &str| {
        let found = links.iter().filter_map(|link| Some((rest.find(link.as_str())?, *link)));
        found.min_by_key(|(at, link)| (*at, std::cmp::Reverse(link.len())))
    };
    while let Some((at, link)) = next(rest) {
        let (before, after) = rest.split_at(at);
        pieces.push(html! { (before) a href=(link) rel="noreferrer" { (link) } });
        rest = &after[link.len()..];
    }
    html! { @for piece in pieces { (piece) } (rest) }
}

/// `GET /dashboard/mailbox/{id}`: the HTML of a mail as it was sent.
pub(crate) async fn html(
    _: Local,
    parts: Data<Parts>,
    id: ApiPath<String>,
) -> Result<HttpResponse, Problem> {
    let mails = read(&parts.mailbox, None).await?;
    let mail = mails.into_iter().find(|mail| mail.message_id == *id);
    let mail = mail.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .body(mail.html))
}

async fn read(mailbox: &Arc<SandboxMailbox>, to: Option<String>) -> Result<Vec<SentMail>, Problem> {
    let mailbox = Arc::clone(mailbox);
    let read = move || mailbox.read(to.as_deref(), MOST);
    actix::block(read).await.map_err(Problem::internal)?.map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, links: &[&str]) -> String {
        let links: Vec<String> = links.iter().map(|link| (*link).to_owned()).collect();
        linked(text, &links).into_string()
    }

    #[test]
    fn links_can_be_followed_and_nothing_else_is_markup() {
        let text = "<b>Hi</b>, see http://a.test/x?y=1&z=2 and http://a.test/x.";
        assert_eq!(
            shown(text, &["http://a.test/x", "http://a.test/x?y=1&z=2"]),
            "&lt;b&gt;Hi&lt;/b&gt;, see <a href=\"http://a.test/x?y=1&amp;z=2\" rel=\"noreferrer\">\
             http://a.test/x?y=1&amp;z=2</a> and <a href=\"http://a.test/x\" rel=\"noreferrer\">\
             http://a.test/x</a>."
        );
    }

    #[test]
    fn only_the_web_is_linked() {
        let text = "javascript:alert(1) data:text/html,x";
        assert_eq!(shown(text, &["javascript:alert(1)", "data:text/html,x"]), text);
    }
}
