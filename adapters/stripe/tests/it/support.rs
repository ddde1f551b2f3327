//! The gateway in front of a mock server.

use std::{fmt::Write, sync::Arc, time::Duration};

use billing_api::{
    Charge, ChargeOutcome, ChargeRequest, Customer, GatewayError, PaymentGateway, RefundOutcome,
    RefundRequest,
};
use kernel::{CallKey, Clock, Currency, ManualClock, Money, Secret, TenantId, Timestamp};
use serde_json::{Value, json};
use stripe::{StripeConfig, StripeGateway};
use time::macros::datetime;
use uuid::Uuid;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

pub(crate) use kernel::with_causes as told;

/// Never printed by anything.
pub(crate) const SECRET_KEY: &str = "sk_test_never_to_be_seen";

pub(crate) const INTENTS: &str = "/v1/payment_intents";
pub(crate) const CUSTOMERS: &str = "/v1/customers";
pub(crate) const REFUNDS: &str = "/v1/refunds";

pub(crate) struct Bench {
    pub(crate) server: MockServer,
    pub(crate) gateway: StripeGateway,
    pub(crate) clock: Arc<ManualClock>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let server = MockServer::start().await;
        let clock = Arc::new(ManualClock::new(noon()));
        let gateway = gateway(&server.uri(), Arc::clone(&clock) as _);
        Self { server, gateway, clock }
    }

    /// Answers every request of this kind that no earlier answer is for.
    pub(crate) async fn answers(&self, verb: &str, at: &str, status: u16, body: Value) {
        let answer =
            ResponseTemplate::new(status).insert_header("request-id", "req_1").set_body_json(body);
        Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(&self.server).await;
    }

    /// Answers one request of this kind.
    pub(crate) async fn answers_once(&self, verb: &str, at: &str, status: u16, body: Value) {
        let answer = ResponseTemplate::new(status).set_body_json(body);
        let mock = Mock::given(method(verb)).and(path(at)).respond_with(answer);
        mock.up_to_n_times(1).mount(&self.server).await;
    }

    pub(crate) async fn charge(&self) -> Result<ChargeOutcome, GatewayError> {
        self.gateway.charge(charge()).await
    }

    pub(crate) async fn refund(&self) -> Result<RefundOutcome, GatewayError> {
        self.gateway.refund(refund()).await
    }

    pub(crate) async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.expect("they are recorded")
    }

    /// The requests of this kind.
    pub(crate) async fn sent(&self, verb: &str) -> usize {
        self.requests().await.iter().filter(|request| request.method.as_str() == verb).count()
    }

    /// All that was sent, without the secret key.
    pub(crate) async fn transcript(&self) -> String {
        self.requests().await.iter().map(shown).collect::<Vec<_>>().join("\n")
    }
}

pub(crate) fn gateway(base_url: &str, clock: Arc<dyn Clock>) -> StripeGateway {
    let config =
        StripeConfig { secret_key: Secret::new(SECRET_KEY), base_url: base_url.to_owned() };
    StripeGateway::new(config, stripe::client().expect("a client"), clock)
}

pub(crate) fn noon() -> Timestamp {
    Timestamp::new(datetime!(2026-03-01 12:00 UTC))
}

pub(crate) fn charge() -> ChargeRequest {
    ChargeRequest {
        key: CallKey::new("billing/charge/0190a000-0000-7000-8000-000000000001"),
        tenant: TenantId(Uuid::from_u128(0xAA)),
        customer: Some(Customer { reference: "cus_1".to_owned() }),
        amount: Money::new(3_600, Currency::EUR),
        payment_method: Secret::new("pm_card_visa"),
        description: "Team, 3 seats & more".to_owned(),
        begun_at: noon(),
        allowed: Duration::from_secs(10),
    }
}

pub(crate) fn refund() -> RefundRequest {
    RefundRequest {
        key: CallKey::new("billing/refund/1"),
        charge: "pi_1".to_owned(),
        amount: Money::new(600, Currency::EUR),
        begun_at: noon(),
        allowed: Duration::from_secs(10),
    }
}

/// A payment intent for [`charge`] in this status.
pub(crate) fn intent(status: &str) -> Value {
    json!({
        "id": "pi_1", "object": "payment_intent", "status": status, "amount": 3_600,
        "currency": "eur", "customer": "cus_1",
        "metadata": { "ashlar_operation": charge().key.as_str() },
    })
}

/// A refund for [`refund`] in this status.
pub(crate) fn refunded(status: &str) -> Value {
    json!({
        "id": "re_1", "object": "refund", "status": status, "amount": 600, "currency": "eur",
        "payment_intent": "pi_1", "metadata": { "ashlar_operation": refund().key.as_str() },
    })
}

pub(crate) fn list(data: &[Value]) -> Value {
    json!({ "object": "list", "data": data, "has_more": false })
}

pub(crate) fn error(kind: &str, code: &str) -> Value {
    json!({ "error": { "type": kind, "code": code, "message": format!("about {SECRET_KEY}") } })
}

pub(crate) fn paid() -> ChargeOutcome {
    ChargeOutcome::Paid(Charge { reference: "pi_1".to_owned() })
}

fn shown(request: &Request) -> String {
    let mut shown = format!("{} {}\n", request.method, request.url.path());
    for (name, value) in request.url.query_pairs() {
        writeln!(shown, "  ? {name} = {value}").expect("a string takes all");
    }
    let mut headers: Vec<_> = request.headers.iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        let value = value.to_str().expect("text").replace(SECRET_KEY, "[secret key]");
        if !["host", "content-length"].contains(&name.as_str()) {
            writeln!(shown, "  {name}: {value}").expect("a string takes all");
        }
    }
    for (name, value) in form_urlencoded::parse(&request.body) {
        writeln!(shown, "  {name} = {value}").expect("a string takes all");
    }
    shown
}
