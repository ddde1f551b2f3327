//! Gathers the evidence: from the public API as the owners see it, from the sandbox's files, and
//! from the stores once the programs have ended.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sandbox::{SandboxGateway, SandboxMailbox};
use serde_json::Value;

use super::{
    evidence::{Charge, Evidence, Invoice, Mail, Told},
    stores::{Books, digits},
};
use crate::{
    client::{Answer, Client, Patience, Request},
    journey::Owner,
    site::{Ground, MODULES},
};

/// Owners who are asked at once.
const AT_ONCE: usize = 4;

/// Asks the API as each owner.
///
/// # Errors
/// An answer that does not come, or makes no sense.
pub async fn told(client: &Client, owners: &[Owner]) -> Result<BTreeMap<u64, Told>> {
    let asked = owners.iter().map(|owner| async move {
        let told = told_to(client, owner).await;
        let told = told.with_context(|| format!("asking as {}", owner.person.email))?;
        anyhow::Ok((owner.tenant, told))
    });
    stream::iter(asked).buffer_unordered(AT_ONCE).try_collect().await
}

/// Adds what the sandbox and the stores hold.
///
/// # Errors
/// A file or a store that cannot be read.
pub async fn collect(data: &Path, ground: &Ground, told: BTreeMap<u64, Told>) -> Result<Evidence> {
    let charges = SandboxGateway::open(payments_of(data))?.charges()?;
    let charge = |record: sandbox::ChargeRecord| Charge {
        key: record.key,
        tenant: digits(&record.tenant.to_string()),
        amount: record.amount.amount,
        reference: record.reference,
    };
    let mails =
        SandboxMailbox::open(data.join("sandbox").join("mailbox"))?.read(EVERYBODY, usize::MAX)?;
    let mail = |mail: sandbox::SentMail| Mail { to: mail.to, subject: mail.subject };
    let mut evidence = Evidence {
        told,
        charges: charges.into_iter().map(charge).collect(),
        mails: mails.into_iter().map(mail).collect(),
        ..Evidence::default()
    };
    for module in MODULES {
        let books = match ground.engines() {
            None => Books::of_file(data, module).await?,
            Some(engines) => Books::of_schema(engines.database(), module).await?,
        };
        match module {
            "auth" => evidence.auth = books.auth().await?,
            "billing" => evidence.billing = books.billing().await?,
            _ => evidence.notifications = books.notifications().await?,
        }
        evidence.platform.insert(module.to_owned(), books.platform().await?);
    }
    if let Some(engines) = ground.engines() {
        let messages = engines.messages().await?;
        (evidence.in_broker, evidence.dead_in_broker) = (messages.waiting, messages.dead);
    }
    Ok(evidence)
}

/// Where the payment sandbox keeps its own record.
#[must_use]
pub fn payments_of(data: &Path) -> PathBuf {
    data.join("sandbox").join("payments")
}

const EVERYBODY: Option<&str> = None;

async fn told_to(client: &Client, owner: &Owner) -> Result<Told> {
    // The token of the campaign has long expired.
    match owner.person.log_in(client, Patience::of_an_auditor()).await {
        Answer::Done(_) => {}
        other => bail!("cannot log in: {other:?}"),
    }
    let see = async |path: &str| see(client, owner, path).await;
    let subscription = match see("/v1/billing/subscription").await? {
        Seen::There(body) => body["id"].as_str().map(str::to_owned),
        Seen::Nothing => None,
    };
    let mut invoices = Vec::new();
    for invoice in items(client, owner, "/v1/billing/invoices").await? {
        let path = format!("/v1/billing/invoices/{}", text(&invoice["id"]));
        let Seen::There(invoice) = see(&path).await? else { bail!("{path} is gone") };
        let lines = invoice["lines"].as_array().into_iter().flatten();
        invoices.push(Invoice {
            number: text(&invoice["number"]),
            status: text(&invoice["status"]),
            total: invoice["total"]["amount"].as_i64().unwrap_or_default(),
            of_lines: lines.filter_map(|line| line["amount"]["amount"].as_i64()).sum(),
        });
    }
    let Seen::There(entitlements) = see("/v1/billing/entitlements").await? else {
        bail!("there are no entitlements");
    };
    let seats = |name: &str| {
        let count = entitlements["seats"][name].as_u64().unwrap_or_default();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let usage = items(client, owner, "/v1/billing/usage").await?;
    let invitations = items(client, owner, "/v1/auth/invitations").await?;
    let notices = items(client, owner, "/v1/notifications").await?;
    Ok(Told {
        subscription,
        invoices,
        seats_used: seats("used"),
        seats_limit: seats("limit"),
        usage: usage.iter().filter_map(|total| total["quantity"].as_i64()).sum(),
        invitations: invitations
            .iter()
            .map(|invitation| (text(&invitation["email"]), text(&invitation["status"])))
            .collect(),
        notices: notices.iter().map(|notice| text(&notice["kind"])).collect(),
    })
}

enum Seen {
    There(Value),
    Nothing,
}

async fn see(client: &Client, owner: &Owner, path: &str) -> Result<Seen> {
    let mut patience = Patience::of_an_auditor();
    let request = Request::get(path);
    loop {
        patience.attempt();
        let token = owner.person.token();
        let wait = match client.send(&request, token.as_deref()).await {
            Answer::Done(body) => return Ok(Seen::There(body)),
            Answer::Refused { problem, .. } if problem["status"] == 404 => {
                return Ok(Seen::Nothing);
            }
            Answer::Refused { problem, .. } => bail!("{path} was refused: {problem}"),
            Answer::NotDone { wait, .. } | Answer::Unknown { wait, .. } => wait,
            Answer::SignedOut => {
                owner.person.log_in(client, Patience::of_a_client()).await;
                continue;
            }
        };
        if !patience.pause(wait).await {
            bail!("{path} is not answered");
        }
    }
}

/// All pages of a list.
async fn items(client: &Client, owner: &Owner, path: &str) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut next = format!("{path}?limit=100");
    loop {
        let Seen::There(mut page) = see(client, owner, &next).await? else {
            bail!("there is no {path}");
        };
        if let Some(some) = page["items"].as_array_mut() {
            items.append(some);
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}?limit=100&cursor={cursor}"),
            None => return Ok(items),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
