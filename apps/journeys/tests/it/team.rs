//! Invitations and the seats that they take at billing.

use anyhow::{Context as _, ensure};
use journeys::{Person, organization};

use crate::shape::in_every_shape;

in_every_shape! {
    fn the_invited_join_and_take_a_seat(api) {
        let owner = organization(&api, "team").await?;
        owner.subscribe(3).await?;
        let invitation = owner.invite("grace@team.example").await?.expect(201)?;
        ensure!(invitation["email"] == "grace@team.example", "{invitation:#}");
        let member = Person::accept(&api, "grace@team.example").await?;
        let me = member.api.get("/v1/auth/me").await?.expect(200)?;
        ensure!(me["role"] == "member" && me["tenant"]["name"] == "team", "{me:#}");
        member.invite("x@team.example").await?.expect_problem(403, "forbidden")?;
        owner.until_seats_used(2).await?;
    }

    fn no_more_are_invited_than_there_are_seats(api) {
        let owner = organization(&api, "full").await?;
        owner.until_seats_used(1).await?;
        owner.subscribe(2).await?;
        let first = owner.invite("one@full.example").await?.expect(201)?;
        owner.invite("two@full.example").await?.expect_problem(403, "no-free-seat")?;

        let id = first["id"].as_str().context("no id")?;
        owner.api.delete(&format!("/v1/auth/invitations/{id}")).await?.expect(204)?;
        owner.until_seats_used(1).await?;
        owner.invite("two@full.example").await?.expect(201)?;
        let page = owner.api.get("/v1/auth/invitations").await?.expect(200)?;
        ensure!(page["items"].as_array().is_some_and(|items| !items.is_empty()), "{page:#}");
    }

    fn a_foreign_invitation_cannot_be_revoked(api) {
        let (mine, other) =
            (organization(&api, "inviter").await?, organization(&api, "stranger").await?);
        mine.until_seats_used(1).await?;
        let invitation = mine.invite("guest@inviter.example").await?.expect(201)?;
        let path = format!("/v1/auth/invitations/{}", invitation["id"].as_str().context("no id")?);
        other.api.delete(&path).await?.expect_problem(404, "not-found")?;
    }
}
