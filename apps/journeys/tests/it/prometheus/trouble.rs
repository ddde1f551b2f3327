//! What goes wrong while Prometheus watches, so that what is about trouble has something to show.

use anyhow::{Context as _, ensure};
use journeys::{Api, PASSWORD, Person, eventually, organization};
use kernel::Secret;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, raw_sql};
use tokio::task::JoinSet;
use xtask::shapes::Running;

use super::{load, watch::Watch};

/// How many connections each pool of the programs has.
pub(super) const FEW: usize = 3;

/// A table of each module, and a request that reads it.
const READS: [(&str, &str); 3] = [
    ("auth.invitations", "/v1/auth/invitations"),
    ("billing.invoices", "/v1/billing/invoices"),
    ("notifications.notifications", "/v1/notifications"),
];

/// An event that each module sends to itself.
const OWN: [(&str, &str); 3] = [
    ("auth", "auth.seat_release_due"),
    ("billing", "billing.charge_unsettled"),
    ("notifications", "notifications.mail_due"),
];

/// The database of a shape, as one who may do anything in it.
pub(super) struct Database(Secret);

impl Database {
    pub(super) const fn at(address: Secret) -> Self {
        Self(address)
    }

    async fn connect(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(self.0.expose()).await?)
    }

    async fn run(&self, statements: String) -> anyhow::Result<()> {
        self.connect().await?.execute(raw_sql(AssertSqlSafe(statements))).await?;
        Ok(())
    }

    /// What waits for good: in each module an event that cannot be read, and in an hour one that is due
    /// and a delivery that is tried again. What people leave is gone before anybody looks.
    pub(super) async fn leave_something(&self) -> anyhow::Result<()> {
        for (module, _) in OWN {
            self.run(format!(
                "INSERT INTO {module}.outbox (event_id, destination, lane, ordering_key, envelope,
                    attempts, next_attempt_at, created_at)
                 VALUES (gen_random_uuid(), '{module}', 0, 'unreadable', '{{}}', 0, now(), now());
                 INSERT INTO {module}.scheduled (id, dedup_key, due_at, envelope, created_at)
                 VALUES (gen_random_uuid(), '-/later', now() + interval '1 hour', '{{}}', now());
                 INSERT INTO {module}.inbox (event_id, consumer, state, ordering_key, envelope,
                    attempts, next_attempt_at, history, received_at)
                 VALUES (gen_random_uuid(), 'nobody', 'pending', 'later', '{{}}',
                    1, now() + interval '1 hour', '[]', now())"
            ))
            .await?;
        }
        Ok(())
    }

    /// More requests at once than there are connections, none of which gets on: some are shed.
    pub(super) async fn crowds(&self, owner: &Person) -> anyhow::Result<()> {
        let mut holder = self.connect().await?;
        let tables = READS.map(|(table, _)| table).join(", ");
        let lock = format!("BEGIN; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE");
        holder.execute(raw_sql(AssertSqlSafe(lock))).await?;
        let mut asking = JoinSet::new();
        for (_, path) in READS {
            for _ in 0..2 * FEW {
                let api = owner.api.clone();
                asking.spawn(async move { (path, api.get(path).await) });
            }
        }
        let mut shed: Vec<&str> = Vec::new();
        while READS.iter().any(|(_, path)| !shed.contains(path)) {
            let (path, answer) = asking.join_next().await.context("nobody was shed")??;
            answer?.expect(503)?;
            shed.push(path);
        }
        holder.execute("ROLLBACK").await?;
        while let Some(answered) = asking.join_next().await {
            answered?.1?;
        }
        Ok(())
    }

    /// Auth may not read whom a mail is for: the call of notifications fails, and comes again.
    pub(super) async fn denies_auth(
        &self,
        watch: &Watch,
        api: &Api,
        round: usize,
    ) -> anyhow::Result<()> {
        let owner = organization(api, &format!("denied-{round}")).await?;
        self.run("REVOKE SELECT ON auth.memberships FROM auth_app".to_owned()).await?;
        let failures = ["sum(ashlar_port_failures_total{callee=\"auth\"})".to_owned()];
        let declined = async {
            let card = "pm_card_visa_chargeDeclined";
            load::checkout(&owner, "denied", card).await?.expect(402)?;
            Ok(())
        };
        watch.grow(&failures, declined).await?;
        self.run("GRANT SELECT ON auth.memberships TO auth_app".to_owned()).await
    }

    /// No inbox takes anything: events are sent again. Then it does, and does not know one of them.
    pub(super) async fn denies_inboxes(
        &self,
        watch: &Watch,
        api: &Api,
        round: usize,
    ) -> anyhow::Result<()> {
        for (module, _) in OWN {
            self.run(format!("REVOKE INSERT ON {module}.inbox FROM {module}_system")).await?;
        }
        let not_taken = OWN
            .map(|(module, _)| format!("sum(ashlar_outbox_failures_total{{module=\"{module}\"}})"));
        let failed = ["billing", "notifications"].map(|callee| {
            format!("sum(ashlar_port_failures_total{{callee=\"{callee}\",method=\"deliver\"}})")
        });
        let publish = async {
            let newcomer = json!({
                "email": format!("owner@early-{round}.example"), "password": PASSWORD,
                "name": "Ada Lovelace", "organization": format!("early-{round}"),
            });
            api.post("/v1/auth/register", &newcomer).await?.expect(202)?;
            for (module, event_type) in OWN {
                self.run(unknown_event(module, event_type)).await?;
            }
            Ok(())
        };
        watch.grow(&[&not_taken[..], &failed].concat(), publish).await?;
        for (module, _) in OWN {
            self.run(format!("GRANT INSERT ON {module}.inbox TO {module}_system")).await?;
        }
        Ok(())
    }
}

/// Publishes an event of a version that nobody knows, to the module itself.
fn unknown_event(module: &str, event_type: &str) -> String {
    format!(
        "INSERT INTO {module}.outbox (event_id, destination, lane, ordering_key, tenant_id, envelope,
            attempts, next_attempt_at, created_at)
         SELECT id, '{module}', 0, 'unknown:' || id, id, jsonb_build_object('id', id,
            'type', '{event_type}', 'version', 99, 'source', '{module}', 'tenant', id,
            'aggregate', jsonb_build_object('kind', 'unknown', 'id', id, 'version', 1),
            'occurred_at', '2026-01-01T00:00:00Z', 'payload', '{{}}'::jsonb), 0, now(), now()
         FROM gen_random_uuid() AS id"
    )
}

/// Billing's own program is away: whoever calls it fails, tries again, and passes it over.
pub(super) async fn billing_is_away(
    running: &Running,
    watch: &Watch,
    owner: &Person,
) -> anyhow::Result<()> {
    let billing = running.program("billing-service")?;
    billing.terminate().await?;
    let open = ["max(ashlar_breaker_open)".to_owned()];
    let calls = async {
        // A module's calls, and requests that are passed on.
        for _ in 0..10 {
            owner.invite("nobody@away.example").await?.expect(503)?;
            owner.api.get("/v1/billing/plans").await?.expect(503)?;
        }
        Ok(())
    };
    watch.grow(&open, calls).await?;
    billing.start().await?;
    eventually("billing to be called again", async || {
        owner.api.get("/v1/billing/plans").await?.expect(200)?;
        let invited = owner.invite("nobody@away.example").await?;
        ensure!(!invited.status.is_server_error(), "{invited:#?}");
        ensure!(watch.number(&open[0]).await? == Some(0.0), "a breaker is open");
        Ok(())
    })
    .await
}
