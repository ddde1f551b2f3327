//! Whose data are attacked, and who attacks.

use super::*;

/// The two tenants.
pub(super) struct World {
    pub(super) victim: Victim,
    /// The owner of another organisation, with a subscription of its own.
    pub(super) stranger: Person,
}

/// An organisation with something of everything.
pub(super) struct Victim {
    pub(super) owner: Person,
    pub(super) tenant: String,
    /// Every id that its members can read.
    pub(super) ids: BTreeSet<String>,
    /// What nobody else may be told: those ids, addresses, names and numbers.
    pub(super) marks: BTreeSet<String>,
    /// Of its lists.
    pub(super) cursors: Vec<String>,
    order: Value,
    usage: Value,
}

const NAME: &str = "quarrymen";
const GUEST: &str = "guest@quarrymen.example";
const INVITE_KEY: &str = "invite-guest";
const USAGE_KEY: &str = "usage";

const READS: [&str; 7] = [
    "/v1/auth/me",
    "/v1/auth/invitations",
    "/v1/billing/subscription",
    "/v1/billing/invoices",
    "/v1/billing/entitlements",
    "/v1/billing/usage",
    "/v1/notifications",
];

impl World {
    pub(super) async fn build(api: &Api) -> anyhow::Result<Self> {
        let stranger = organization(api, "stranger").await?;
        stranger.subscribe(5).await?;
        Ok(Self { victim: Victim::build(api).await?, stranger })
    }

    /// Waits until what the attacks have set in motion, if anything, has happened.
    pub(super) async fn let_effects_arrive(&self) -> anyhow::Result<()> {
        work_off(&self.stranger).await
    }
}

impl Victim {
    async fn build(api: &Api) -> anyhow::Result<Self> {
        let owner = organization(api, NAME).await?;
        owner.subscribe(5).await?;
        let order = json!({
            "price_id": owner.paid_price().await?, "quantity": 5, "payment_method": "pm_card_visa",
        });
        owner.invite("member@quarrymen.example").await?.expect(201)?;
        Person::accept(api, "member@quarrymen.example").await?;
        let guest = json!({ "email": GUEST, "role": "member" });
        owner.api.post_once("/v1/auth/invitations", INVITE_KEY, &guest).await?.expect(201)?;
        let usage = json!([{
            "id": "e1", "meter": "api_calls", "quantity": 7, "at": crate::usage::now_at(api).await?,
        }]);
        owner.api.post_once("/v1/billing/usage-events", USAGE_KEY, &usage).await?.expect(200)?;
        // The owner's seat, the member's and the guest's; a notice of the invoice and of the member.
        eventually("what follows from all that", async || {
            let inbox = owner.api.get("/v1/notifications").await?.expect(200)?;
            ensure!(inbox["items"].as_array().is_some_and(|items| items.len() == 2), "{inbox:#}");
            ensure!(seats_used(&owner).await? == 3, "seats");
            ensure!(mails(api, GUEST).await?.len() == 1, "the guest's mail");
            Ok(())
        })
        .await?;

        let mut cursors = Vec::new();
        for list in ["/v1/auth/invitations", "/v1/notifications"] {
            let page = owner.api.get(&format!("{list}?limit=1")).await?.expect(200)?;
            cursors.push(page["next_cursor"].as_str().context("one page only")?.to_owned());
        }
        let mut victim = Self {
            owner,
            tenant: String::new(),
            ids: BTreeSet::new(),
            marks: BTreeSet::from([NAME.to_owned()]),
            cursors,
            order,
            usage,
        };
        for read in victim.reads().await?.values() {
            victim.learn(read);
        }
        let me = victim.owner.api.get("/v1/auth/me").await?.expect(200)?;
        victim.tenant = me["tenant"]["id"].as_str().context("no tenant")?.to_owned();
        // Of the tenant, the owner, two invitations, the subscription, the invoice, two notices.
        ensure!(victim.ids.len() == 8, "{:#?}", victim.ids);
        Ok(victim)
    }

    /// Remembers what is in `read` that is nobody else's.
    fn learn(&mut self, read: &Value) {
        match read {
            Value::String(text) => {
                let is_id = text.len() == 36 && text.matches('-').count() == 4;
                if is_id {
                    self.ids.insert(text.clone());
                }
                if is_id || text.contains('@') || text.starts_with("INV-") {
                    self.marks.insert(text.clone());
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(members) => members.values().for_each(|member| self.learn(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// All that its owner can read.
    pub(super) async fn reads(&self) -> anyhow::Result<BTreeMap<String, Value>> {
        let mut reads = BTreeMap::new();
        for path in READS {
            reads.insert(path.to_owned(), self.owner.api.get(path).await?.expect(200)?);
        }
        let invoice = reads["/v1/billing/invoices"]["items"][0]["id"].as_str();
        let path = format!("/v1/billing/invoices/{}", invoice.context("no invoice")?);
        let detail = self.owner.api.get(&path).await?.expect(200)?;
        reads.insert(path, detail);
        Ok(reads)
    }

    /// Headers that say that a request is the victim's. Nothing may believe them.
    pub(super) fn claims(&self) -> [(&'static str, String); 5] {
        let tenant = || self.tenant.clone();
        [
            ("x-tenant-id", tenant()),
            ("x-tenant", tenant()),
            ("x-ashlar-tenant", tenant()),
            ("x-user-id", self.ids.first().cloned().unwrap_or_default()),
            ("x-forwarded-user", self.owner.email.clone()),
        ]
    }

    pub(super) fn invitation_request(&self) -> (String, Value) {
        (INVITE_KEY.to_owned(), json!({ "email": GUEST, "role": "member" }))
    }

    /// What [`Person::subscribe`] has sent.
    pub(super) fn order(&self) -> (String, Value) {
        (format!("subscribe-{}", self.owner.email), self.order.clone())
    }

    pub(super) fn usage(&self) -> (String, Value) {
        (USAGE_KEY.to_owned(), self.usage.clone())
    }

    /// Its session goes on, its password is what it was, and its invitation can be accepted.
    pub(super) async fn is_unharmed(&self, api: &Api) -> anyhow::Result<()> {
        let refresh = json!({ "refresh_token": self.owner.refresh_token });
        api.post("/v1/auth/refresh", &refresh).await?.expect(200)?;
        Person::log_in(api, &self.owner.email).await?;
        let guest = accept_first(api).await?;
        let me = guest.api.get("/v1/auth/me").await?.expect(200)?;
        ensure!(me["tenant"]["id"] == self.tenant.as_str(), "{me:#}");
        Ok(())
    }
}

/// The stranger has invited the guest too, so the victim's mail is the older one.
async fn accept_first(api: &Api) -> anyhow::Result<Person> {
    let mails = mails(api, GUEST).await?;
    let oldest = mails.last().context("no mail")?;
    let link = oldest["links"][0].as_str().context("no link")?;
    let (_, token) = link.rsplit_once("?token=").context("no token")?;
    let acceptance = json!({ "token": token, "name": "Guest", "password": journeys::PASSWORD });
    api.post("/v1/auth/invitations/accept", &acceptance).await?.expect(200)?;
    Person::log_in(api, GUEST).await
}
