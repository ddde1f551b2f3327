//! What links in mails lead to where there is no front end yet: the least that makes them work.

use actix_web::{HttpResponse, web::Data};
use maud::{Markup, html};
use serde::Deserialize;
use web::ApiQuery;

use crate::{
    Parts,
    frame::{Freshness, Page, Section},
    guard::Local,
};

#[derive(Deserialize)]
pub(crate) struct Link {
    token: String,
}

/// `GET /verify-email`.
pub(crate) async fn verify_email(
    _: Local,
    parts: Data<Parts>,
    link: ApiQuery<Link>,
) -> HttpResponse {
    let form = html! {
        form data-api="/v1/auth/verify-email" data-done="The address is verified. You can log in now." {
            input type="hidden" name="token" value=(link.token);
            button { "Verify the address" }
        }
    };
    page(&parts, "Verify an e-mail address", "/v1/auth/verify-email", form)
}

/// `GET /accept-invitation`.
pub(crate) async fn accept_invitation(
    _: Local,
    parts: Data<Parts>,
    link: ApiQuery<Link>,
) -> HttpResponse {
    let form = html! {
        form data-api="/v1/auth/invitations/accept" data-done="The invitation is accepted. You can log in now." {
            input type="hidden" name="token" value=(link.token);
            label for="name" { "Name" }
            input #name name="name" maxlength="100" autocomplete="name";
            label for="password" { "Password, at least 8 characters" }
            input #password name="password" type="password" minlength="8" maxlength="128" autocomplete="new-password";
            p.minor { "Needed where the address has no account yet." }
            button { "Accept the invitation" }
        }
    };
    page(&parts, "Accept an invitation", "/v1/auth/invitations/accept", form)
}

fn page(parts: &Parts, title: &str, route: &str, form: Markup) -> HttpResponse {
    let content = html! {
        h1 { (title) }
        p.lead {
            "Your front end has a page here. On this machine this one stands in for it: it sends the \
             link's token to " code { "POST " (route) } "."
        }
        (form)
        p #outcome role="status" {}
        noscript { p { "Without script, send it yourself: " a href="/docs/" { "the API to try out" } "." } }
    };
    Page {
        program: parts.program,
        title,
        section: Section::Landing,
        freshness: Freshness::Still,
        content,
    }
    .answer()
}
