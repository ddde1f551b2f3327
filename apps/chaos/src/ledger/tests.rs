use super::{
    evidence::{
        AuthStore, BillingStore, Charge, Incoming, Invitation, Invoice, Mail, NotificationsStore,
        Outgoing, Person, Platform, Row,
    },
    *,
};

const OWNER: &str = "owner@t1.example";
const GUEST: &str = "guest0@t1.example";
/// An invoice that was paid.
const EVENT: &str = "0199f3a54b6c7d8e9fa0b1c2d3e4f506";
/// What `uuid.uuid5(uuid.UUID(EVENT), "poison").hex` is in Python.
const POISON: &str = "64f322dbcc6d552390bce77f6837604e";

fn entry(id: u64, operation: Operation, outcome: Outcome) -> Entry {
    Entry { id, tenant: 1, operation, perhaps_done: 0, contradiction: None, outcome }
}

fn done(id: &str) -> Outcome {
    Outcome::Done { id: Some(id.to_owned()) }
}

fn refused(slug: &str) -> Outcome {
    Outcome::Refused { slug: slug.to_owned() }
}

/// An organisation that was declined, subscribed, invited one guest who joined and one too many,
/// and used something.
fn journal() -> Vec<Entry> {
    let order = |method: &str| Operation::Subscribe {
        quantity: 2,
        amount: 2_400,
        method: method.to_owned(),
        at_once: 1,
    };
    let used = |id: &str, units| [(id.to_owned(), units)].into();
    let email = |email: &str| email.to_owned();
    let subscription = Operation::Read {
        path: "/v1/billing/subscription".to_owned(),
        expects: Some("s1".to_owned()),
    };
    vec![
        entry(1, Operation::Register { email: email(OWNER) }, Outcome::Done { id: None }),
        entry(2, Operation::Verify { email: email(OWNER) }, Outcome::Done { id: None }),
        entry(3, order("pm_declines"), refused("payment-declined")),
        entry(4, order("pm_pays"), done("s1")),
        entry(5, Operation::Invite { email: email(GUEST) }, done("i1")),
        entry(6, Operation::Accept { email: email(GUEST) }, Outcome::Done { id: None }),
        entry(7, Operation::Invite { email: email("late@t1.example") }, refused("no-free-seat")),
        entry(8, Operation::Usage { events: used("u1", 5) }, Outcome::Done { id: None }),
        entry(9, Operation::Usage { events: used("u1", 5) }, Outcome::Done { id: None }),
        entry(10, subscription, done("s1")),
    ]
}

/// What is there when all went well.
fn evidence() -> Evidence {
    let person = |user: &str, email: &str, role: &str| Person {
        user: user.to_owned(),
        email: email.to_owned(),
        verified: true,
        tenant: "t1".to_owned(),
        role: role.to_owned(),
    };
    let row = |name: &str, state: &str| Row {
        name: name.to_owned(),
        tenant: "t1".to_owned(),
        state: state.to_owned(),
    };
    let charge = |key: &str, reference: Option<&str>| Charge {
        key: format!("billing/charge/{key}"),
        tenant: "t1".to_owned(),
        amount: 2_400,
        reference: reference.map(str::to_owned),
    };
    let mail = |to: &str, subject: &str| Mail { to: to.to_owned(), subject: subject.to_owned() };
    let outgoing = |event: &str| Outgoing {
        event: event.to_owned(),
        destination: "notifications".to_owned(),
        sent: true,
    };
    let incoming = |event: &str, consumer: &str, state: &str| Incoming {
        event: event.to_owned(),
        consumer: format!("notifications.{consumer}"),
        state: state.to_owned(),
    };
    let invoice = Invoice {
        number: "INV-1-00001".to_owned(),
        status: "paid".to_owned(),
        total: 2_400,
        of_lines: 2_400,
    };
    let told = Told {
        subscription: Some("s1".to_owned()),
        invoices: vec![invoice],
        seats_used: 2,
        seats_limit: 2,
        usage: 5,
        invitations: vec![(GUEST.to_owned(), "accepted".to_owned())],
        notices: ["auth.member_joined", "billing.invoice_paid", "billing.payment_failed"]
            .map(str::to_owned)
            .into(),
    };
    Evidence {
        came_to_rest: true,
        in_broker: 0,
        dead_in_broker: 0,
        told: [(1, told)].into(),
        charges: vec![charge("c1", None), charge("c2", Some("ch_1"))],
        mails: vec![
            mail(OWNER, "Verify your e-mail address"),
            mail(OWNER, "Your payment failed"),
            mail(OWNER, "Invoice INV-1-00001 is paid"),
            mail(GUEST, "You are invited to join organization 1"),
        ],
        auth: AuthStore {
            people: vec![person("u1", OWNER, "owner"), person("u2", GUEST, "member")],
            invitations: vec![Invitation {
                id: "i1".to_owned(),
                tenant: "t1".to_owned(),
                email: GUEST.to_owned(),
                status: "accepted".to_owned(),
            }],
        },
        billing: BillingStore {
            subscriptions: vec![row("s0", "failed"), row("s1", "active")],
            charges: vec![row("c1", "declined"), row("c2", "paid")],
            seats: vec![row("user:u1", ""), row("invitation:i1", "")],
        },
        notifications: NotificationsStore { mails: vec![row("m1", "sent")] },
        platform: [
            (
                "billing".to_owned(),
                Platform { outbox: vec![outgoing(EVENT)], ..Platform::default() },
            ),
            (
                "notifications".to_owned(),
                Platform {
                    inbox: vec![
                        incoming(EVENT, "note_invoice_paid", "done"),
                        incoming(EVENT, "write_invoice_paid_mails", "done"),
                        incoming(POISON, "note_invoice_paid", "dead"),
                    ],
                    ..Platform::default()
                },
            ),
        ]
        .into(),
    }
}

#[test]
fn where_all_is_well_nothing_is_found() {
    let (balance, findings) = check(&journal(), &evidence());
    assert_eq!(findings, Findings::default());
    let expected = Balance { operations: 10, done: 8, refused: 2, ..Balance::default() };
    assert_eq!(balance, expected);
}

/// Damages what is there, and expects to be told of it as `harm`.
fn check_damage(what: &str, harm: Harm, damage: impl FnOnce(&mut Evidence)) {
    let mut evidence = evidence();
    damage(&mut evidence);
    let (_, findings) = check(&journal(), &evidence);
    let found = findings.0.iter().filter(|finding| finding.harm == harm).count();
    assert!(found > 0, "{what}: {findings:?}");
}

fn told(evidence: &mut Evidence) -> &mut Told {
    evidence.told.get_mut(&1).expect("it is there")
}

fn platform<'e>(evidence: &'e mut Evidence, module: &str) -> &'e mut Platform {
    evidence.platform.get_mut(module).expect("it is there")
}

#[test]
fn what_is_gone_is_lost() {
    let lost = |what: &str, damage: fn(&mut Evidence)| check_damage(what, Harm::Lost, damage);
    lost("an account", |it| it.auth.people.clear());
    lost("a verification", |it| it.auth.people[0].verified = false);
    lost("the verification mail", |it| drop(it.mails.remove(0)));
    lost("a subscription", |it| told(it).subscription = None);
    lost("another subscription", |it| told(it).subscription = Some("s2".to_owned()));
    lost("the charge of a subscription", |it| drop(it.charges.remove(1)));
    lost("a charge at billing", |it| drop(it.billing.charges.remove(1)));
    lost("a charge that billing has as declined", |it| {
        it.billing.charges[1].state = "declined".to_owned();
    });
    lost("an invoice", |it| told(it).invoices.clear());
    lost("a number", |it| told(it).invoices[0].number = "INV-1-00002".to_owned());
    lost("a line", |it| told(it).invoices[0].of_lines = 1_200);
    lost("a receipt", |it| drop(it.mails.remove(2)));
    lost("a notice", |it| drop(told(it).notices.remove(1)));
    lost("an invitation", |it| told(it).invitations.clear());
    lost("a member", |it| drop(it.auth.people.remove(1)));
    lost("a seat", |it| drop(it.billing.seats.remove(1)));
    lost("usage", |it| told(it).usage = 4);
    lost("an event", |it| drop(platform(it, "notifications").inbox.drain(..2)));
    lost("an event for one consumer", |it| drop(platform(it, "notifications").inbox.remove(0)));
    lost("an event for the other", |it| drop(platform(it, "notifications").inbox.remove(1)));
    lost("an event that nobody knows what to do with", |it| {
        let inbox = &mut platform(it, "notifications").inbox;
        inbox.remove(1);
        inbox[0].consumer = "unrouted".to_owned();
    });
}

#[test]
fn what_is_there_twice_is_doubled() {
    let doubled = |what: &str, damage: fn(&mut Evidence)| check_damage(what, Harm::Doubled, damage);
    doubled("a charge", |it| {
        let mut again = it.charges[1].clone();
        again.key.push_str("/again");
        it.charges.push(again);
    });
    doubled("a decline", |it| it.charges.push(it.charges[0].clone()));
    doubled("an account", |it| it.auth.people.push(it.auth.people[0].clone()));
    doubled("a verification mail", |it| it.mails.push(it.mails[0].clone()));
    doubled("a receipt", |it| it.mails.push(it.mails[2].clone()));
    doubled("an invitation's mail", |it| it.mails.push(it.mails[3].clone()));
    doubled("a notice", |it| told(it).notices.push("billing.invoice_paid".to_owned()));
    doubled("a seat", |it| {
        it.billing.seats.push(Row {
            name: "invitation:i2".to_owned(),
            tenant: "t1".to_owned(),
            state: String::new(),
        })
    });
    doubled("seats", |it| told(it).seats_used = 3);
    doubled("usage", |it| told(it).usage = 10);
    doubled("an outbox row", |it| {
        let again = platform(it, "billing").outbox[0].clone();
        platform(it, "billing").outbox.push(again);
    });
    doubled("an effect of nothing", |it| {
        platform(it, "notifications").inbox[2].state = "done".to_owned();
    });
    doubled("an event for a consumer of another", |it| {
        let inbox = &mut platform(it, "notifications").inbox;
        let consumer = "notifications.note_payment_failed".to_owned();
        inbox.push(Incoming { consumer, ..inbox[0].clone() });
    });
    doubled("a refused invitation", |it| {
        told(it).invitations.push(("late@t1.example".to_owned(), "pending".to_owned()));
    });
}

#[test]
fn what_has_not_ended_is_stuck() {
    let stuck = |what: &str, damage: fn(&mut Evidence)| check_damage(what, Harm::Stuck, damage);
    stuck("the system", |it| it.came_to_rest = false);
    stuck("a subscription", |it| it.billing.subscriptions[0].state = "pending".to_owned());
    stuck("a charge", |it| it.billing.charges[0].state = "pending".to_owned());
    stuck("a mail", |it| it.notifications.mails[0].state = "queued".to_owned());
    stuck("an invitation", |it| it.auth.invitations[0].status = "reserving".to_owned());
    stuck("an event in the outbox", |it| platform(it, "billing").outbox[0].sent = false);
    stuck("a delivery", |it| {
        platform(it, "notifications").inbox[0].state = "pending".to_owned();
    });
    stuck("a dead letter", |it| platform(it, "notifications").inbox[0].state = "dead".to_owned());
    stuck("a dead letter that nobody sent and nobody made", |it| {
        platform(it, "notifications").inbox[2].event = EVENT.replace('f', "0");
    });
    stuck("poison", |it| platform(it, "notifications").inbox[2].state = "pending".to_owned());
    stuck("a key", |it| platform(it, "billing").keys_in_flight.push("k".to_owned()));
    stuck("a call", |it| platform(it, "billing").calls_without_outcome.push("c".to_owned()));
}

#[test]
fn what_the_clients_saw_counts_too() {
    let check_entries = |change: fn(&mut Vec<Entry>)| {
        let mut journal = journal();
        change(&mut journal);
        check(&journal, &evidence())
    };
    let (balance, _) = check_entries(|it| it[9].outcome = refused("no-subscription"));
    assert_eq!((balance.lost, balance.doubled), (1, 0), "what was there can no longer be read");
    let (balance, _) =
        check_entries(|it| it[3].contradiction = Some(("a".to_owned(), "b".to_owned())));
    assert_eq!((balance.lost, balance.doubled), (0, 1), "one key, two answers");
    let (balance, _) = check_entries(|it| it[3].outcome = refused("gave up: unavailable"));
    assert!(balance.doubled > 0, "a subscription that the client was told there is none of");
    let (balance, _) =
        check_entries(|it| it[3].outcome = Outcome::Unknown { why: "broken off".to_owned() });
    assert_eq!(balance.unknown, 1);
    // Two registrations that may both have been taken may have brought two mails, and one did.
    let (balance, _) = check_entries(|it| it[0].perhaps_done = 1);
    assert_eq!((balance.lost, balance.doubled), (0, 0));
}
