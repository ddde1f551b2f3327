//! Inviting, accepting and taking back: each on a seat that billing keeps, over the seam.

use std::sync::Arc;

use anyhow::Result;
use rand::RngExt;
use serde_json::json;

use super::{
    Person,
    ask::{Ask, Ended, Proof},
    organization::Organization,
    person::PASSWORD,
};
use crate::{client::Request, journal::Operation};

/// Invites some people onto `seats`, one of which is the owner's, and now and then one too many.
pub(super) async fn invite(of: &mut Organization<'_>, seats: u32) -> Result<()> {
    let free = seats.saturating_sub(1);
    let too_many = of.dice.random_bool(0.15);
    let invited = if too_many { free + 1 } else { of.dice.random_range(0..=free) };
    for guest in 0..invited {
        let roll = of.dice.random_range(0..100);
        one(of, guest, roll).await?;
    }
    Ok(())
}

async fn one(of: &Organization<'_>, guest: u32, roll: u32) -> Result<()> {
    let email = of.traffic.address(&format!("guest{guest}"), of.number);
    let invite = Operation::Invite { email: email.clone() };
    let request =
        Request::post("/v1/auth/invitations", json!({ "email": email, "role": "member" }));
    let request = request.under(format!("invite-{}-{guest}", of.number));
    let Ended::Done(invitation) = of.traffic.ask(of.ask_of_owner(invite, request)).await? else {
        return Ok(());
    };
    let id = invitation["id"].as_str().unwrap_or_default().to_owned();
    match roll {
        0..55 => accept(of, email).await,
        55..80 => revoke(of, &id, email).await,
        // Both at once: one of the two wins.
        80..88 => {
            let (accepted, revoked) =
                tokio::join!(accept(of, email.clone()), revoke(of, &id, email));
            accepted.and(revoked)
        }
        _ => Ok(()),
    }
}

async fn accept(of: &Organization<'_>, email: String) -> Result<()> {
    let Some(token) = of.token_from_mail(&email).await else { return Ok(()) };
    let acceptance = json!({ "token": token, "name": "Grace Hopper", "password": PASSWORD });
    let guest = Arc::new(Person::new(email.clone()));
    let ask = Ask {
        tenant: of.number,
        operation: Operation::Accept { email },
        request: Request::post("/v1/auth/invitations/accept", acceptance),
        person: None,
        proof: Proof::LogIn(Arc::clone(&guest)),
    };
    if matches!(of.traffic.ask(ask).await?, Ended::Done(_)) {
        of.log_in(&guest).await?;
    }
    Ok(())
}

async fn revoke(of: &Organization<'_>, id: &str, email: String) -> Result<()> {
    let request = Request::delete(format!("/v1/auth/invitations/{id}"));
    of.traffic.ask(of.ask_of_owner(Operation::Revoke { email }, request)).await.map(drop)
}
