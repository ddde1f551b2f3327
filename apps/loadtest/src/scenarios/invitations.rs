//! Colleagues are invited, for whom billing must have a seat.

use async_trait::async_trait;
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::{
    client::Request,
    ledger::Entry,
    people::PASSWORD,
    scenario::{Dice, Ended, Scenario, Visit},
};

const INVITE: &str = "POST /v1/auth/invitations";
/// One of so many accepts; the others are taken back, so that seats do not run out at once.
const ACCEPTS: u32 = 5;

/// Invites, which asks billing over the seam for a seat; then the invitation is taken back, or
/// accepted by somebody new.
pub(super) struct Invitations;

#[async_trait]
impl Scenario for Invitations {
    fn name(&self) -> &'static str {
        "invitations"
    }

    fn about(&self) -> &'static str {
        "An owner invites, for which auth asks billing for a seat; one in five accepts, and the \
         others are taken back."
    }

    fn opening(&self, _dice: Dice) -> &'static str {
        INVITE
    }

    fn entries(&self) -> &'static [Entry] {
        &[Entry::Invitations, Entry::Accepted]
    }

    async fn journey(&self, visit: &mut Visit) -> Result<(), Ended> {
        let stage = visit.stage().clone();
        let who = stage.roster.any_owner(&mut visit.dice).ok_or(Ended::Stuck("nobody"))?;
        let accepts = visit.dice.random_ratio(1, ACCEPTS);
        let email = format!("guest@{}.example", visit.name());
        let invitation = json!({ "email": email, "role": "member" });
        let request = Request::to(INVITE).by(who.bearer()).once(visit.name()).json(&invitation);
        // 403: every seat is taken, which is as good an answer.
        let answer = visit.change(request.or(&[403]), who, Entry::Invitations, 1).await?;
        if answer.status == 403 {
            return Ok(());
        }
        if accepts {
            let token = visit.mailed_token(&email).await?;
            visit.think().await?;
            let name = "Grace Hopper";
            let acceptance = json!({ "token": token, "name": name, "password": PASSWORD });
            let request = Request::to("POST /v1/auth/invitations/accept").json(&acceptance);
            visit.change(request, who, Entry::Accepted, 1).await?;
            return Ok(());
        }
        let invitation: Value = answer.read().map_err(|_| Ended::Stuck("no invitation"))?;
        let id = invitation["id"].as_str().ok_or(Ended::Stuck("an invitation without an id"))?;
        visit.think().await?;
        let path = format!("/v1/auth/invitations/{id}");
        let request = Request::to("DELETE /v1/auth/invitations/{id}").at(path);
        visit.send(request.by(who.bearer())).await?;
        Ok(())
    }
}
