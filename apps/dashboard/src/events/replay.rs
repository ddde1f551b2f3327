//! What the buttons do.

use ::events::{DeadLetterId, DeadLetters, EventEngine, ReplayError};
use actix_web::{
    HttpResponse,
    http::{StatusCode, header::LOCATION},
    web::Data,
};
use kernel::EventId;
use maud::{Markup, html};
use seam::CallFailure;
use serde::Deserialize;
use web::{ApiPath, Problem};

use super::letters;
use crate::{Parts, guard::FromOurPage};

/// What has been done, for the page that follows.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Done {
    /// So many are handled again.
    replayed: Option<u64>,
}

impl Done {
    pub(super) fn say(&self) -> Markup {
        html! {
            @if let Some(replayed) = self.replayed {
                // Focused, so that whoever uses the keyboard goes on from here.
                p.done role="status" tabindex="-1" autofocus {
                    @if replayed == 0 { "There was no such dead letter any more." }
                    @else { (letters(replayed)) " handed over again." }
                }
            }
        }
    }

    fn redirect(replayed: u64) -> HttpResponse {
        let location = format!("/dashboard/events?replayed={replayed}");
        HttpResponse::SeeOther().insert_header((LOCATION, location)).finish()
    }
}

#[derive(Deserialize)]
pub(crate) struct Letter {
    module: String,
    event: EventId,
    consumer: String,
}

#[derive(Deserialize)]
pub(crate) struct AllOfConsumer {
    module: String,
    consumer: String,
}

/// `POST /dashboard/events/{module}/{event}/{consumer}/replay`.
pub(crate) async fn replay(
    _: FromOurPage,
    parts: Data<Parts>,
    letter: ApiPath<Letter>,
) -> Result<HttpResponse, Problem> {
    let Letter { module, event, consumer } = letter.into_inner();
    match dead_letters(&parts, &module)?.replay(&DeadLetterId { event, consumer }).await {
        Ok(()) => Ok(Done::redirect(1)),
        // Somebody was quicker.
        Err(ReplayError::NotFound(_)) => Ok(Done::redirect(0)),
        Err(error) => Err(refused(error)),
    }
}

/// `POST /dashboard/events/{module}/{consumer}/replay`.
pub(crate) async fn replay_all(
    _: FromOurPage,
    parts: Data<Parts>,
    all: ApiPath<AllOfConsumer>,
) -> Result<HttpResponse, Problem> {
    let replayed = dead_letters(&parts, &all.module)?.replay_all(&all.consumer).await;
    Ok(Done::redirect(replayed.map_err(refused)?))
}

fn dead_letters(parts: &Parts, module: &str) -> Result<DeadLetters, Problem> {
    let engine = parts.engines.get(module).map(|engine| &**engine);
    engine.map(EventEngine::dead_letters).ok_or_else(Problem::not_found)
}

fn refused(error: ReplayError) -> Problem {
    match error {
        ReplayError::NotFound(_) => Problem::not_found(),
        ReplayError::NoSuchConsumer(consumer) => Problem::new(
            StatusCode::CONFLICT,
            "no-such-consumer",
            "This build has no such consumer; the letter would wait for ever",
        )
        .with("consumer", consumer),
        ReplayError::Store(error) => CallFailure::from(error).into(),
    }
}
