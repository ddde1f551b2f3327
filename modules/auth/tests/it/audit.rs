//! What was done is written down, and nothing of what was typed.

use storage::SystemScope;

use crate::support::{App, PASSWORD, Session};

static AUDIT: SystemScope = SystemScope { name: "test.audit", why: "a test reads the audit log" };

const ADA: &str = "ada@example.com";

/// The audit log, as this suite sees it.
mod audit_log {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_log")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub actor: Option<Uuid>,
        pub action: String,
        pub subject: Option<Uuid>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::tenant_entity!(Entity, Column::TenantId);
}

/// Attempts to log in, as this suite sees them.
mod sign_ins {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sign_ins")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Option<Uuid>,
        pub tenant_id: Option<Uuid>,
        pub outcome: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    storage::global_entity!(Entity);
}

async fn actions(app: &App) -> Vec<(String, bool)> {
    let rows = app.store.system(&AUDIT).find::<audit_log::Entity>();
    let rows = rows.order_by_asc(audit_log::Column::Id).all().await.expect("rows");
    rows.into_iter().map(|row| (row.action, row.actor.is_some())).collect()
}

#[actix_web::test]
async fn what_people_and_time_do_is_written_down() {
    let app = App::start().await;
    let ada = app.owner(ADA).await;
    app.register(ADA).await;
    app.member(&ada, "grace@example.com", "member").await;
    for email in ["revoked@example.com", "expired@example.com"] {
        let body = serde_json::json!({ "email": email, "role": "member" });
        let invited = app.post_as(&ada, "/v1/auth/invitations", body).await;
        if email.starts_with("revoked") {
            let id = invited.body["id"].as_str().expect("an id");
            app.delete_as(&ada, &format!("/v1/auth/invitations/{id}")).await;
        }
    }
    let logout = serde_json::json!({ "refresh_token": ada.refresh });
    app.post("/v1/auth/logout", logout).await;
    app.advance(auth::AuthSettings::default().invitation_lifetime);
    app.settle().await;

    let written = actions(&app).await;
    let written: Vec<_> = written.iter().map(|(action, by)| (action.as_str(), *by)).collect();
    assert_eq!(
        written,
        [
            ("registered", true),
            ("email_verified", true),
            ("signed_in", true),
            ("registration_repeated", true),
            ("invited", true),
            ("invitation_accepted", true),
            ("signed_in", true),
            ("invited", true),
            ("invitation_revoked", true),
            ("invited", true),
            ("signed_out", true),
            ("invitation_expired", false),
        ]
    );
}

#[actix_web::test]
async fn a_stolen_session_is_written_down() {
    let app = App::start().await;
    let stolen = app.owner(ADA).await;
    let refresh = |session: &Session| {
        app.post("/v1/auth/refresh", serde_json::json!({ "refresh_token": session.refresh }))
    };
    let next = Session::of(&refresh(&stolen).await);
    refresh(&next).await;
    refresh(&stolen).await.assert_problem(401, "invalid-refresh-token");
    assert_eq!(actions(&app).await.last(), Some(&("session_revoked".to_owned(), true)));
}

#[actix_web::test]
async fn attempts_are_written_alike_for_known_and_unknown_addresses() {
    let app = App::start().await;
    app.register(ADA).await;
    for (email, password) in
        [(ADA, "wrong password"), ("eve@example.com", PASSWORD), (ADA, PASSWORD)]
    {
        let body = serde_json::json!({ "email": email, "password": password });
        app.post("/v1/auth/login", body).await;
    }
    app.owner(ADA).await;
    let rows = app.store.system(&AUDIT).find::<sign_ins::Entity>();
    let rows = rows.order_by_asc(sign_ins::Column::Id).all().await.expect("rows");
    let attempts: Vec<_> = rows
        .iter()
        .map(|row| (row.outcome.as_str(), row.user_id.is_some(), row.tenant_id.is_some()))
        .collect();
    assert_eq!(
        attempts,
        [
            ("invalid_credentials", true, false),
            ("invalid_credentials", false, false),
            ("email_not_verified", true, false),
            ("succeeded", true, true),
        ]
    );
}
