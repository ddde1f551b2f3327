"""Writes signatures.json: deliveries signed, and judged, by Stripe's own library.

The library's verdict is taken with its clock at `now` and its default tolerance. See README.md.
"""

import hashlib
import hmac
import json
import pathlib
from unittest import mock

import stripe
from stripe import Webhook, WebhookSignature

NOW = 1_772_366_400  # 2026-03-01T12:00:00Z
SECRET = "whsec_test_new_0123456789abcdefghijklmnop"
OLD_SECRET = "whsec_test_old_ABCDEFGHIJKLMNOP0123456789"
OTHER_SECRET = "whsec_test_of_somebody_else_0000000000000"


def event(**changes):
    intent = {
        "id": "pi_3Witness",
        "object": "payment_intent",
        "amount": 3600,
        "currency": "eur",
        "status": "succeeded",
        "metadata": {
            "ashlar_operation": "billing/charge/0190a000-0000-7000-8000-000000000001",
            "ashlar_tenant": "0190a000-0000-7000-8000-0000000000aa",
        },
    }
    whole = {
        "id": "evt_1Witness",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": NOW - 2,
        "data": {"object": intent},
        "livemode": False,
        "pending_webhooks": 1,
        "type": "payment_intent.succeeded",
    }
    whole.update(changes)
    return whole


def pretty(value):
    return json.dumps(value, indent=2, ensure_ascii=False)


def signed(body, secret=SECRET, at=NOW):
    return WebhookSignature.generate_signature_header(body, secret, timestamp=at)


def signature(body, secret=SECRET, at=NOW):
    return signed(body, secret, at).split("v1=")[1]


def cases():
    body = pretty(event())
    yield "as_stripe_sends_it", body, signed(body)
    yield "compact", json.dumps(event()), signed(json.dumps(event()))
    snowman = pretty(event(id="evt_1Snowman", description="Grüße, ☃ und 🧱"))
    yield "not_ascii", snowman, signed(snowman)
    trailing = body + "\r\n"
    yield "line_break_at_the_end", trailing, signed(trailing)
    yield "both_secrets_while_they_are_rolled", body, (
        f"t={NOW},v1={signature(body, OLD_SECRET)},v1={signature(body)}"
    )
    yield "the_old_secret_alone", body, signed(body, OLD_SECRET)
    yield "with_another_scheme", body, f"{signed(body)},v0={'6' * 64}"
    yield "somebody_elses_secret", body, signed(body, OTHER_SECRET)
    yield "another_body", body.replace("3600", "3601"), signed(body)
    yield "one_line_break_less", body, signed(trailing)
    yield "another_time_than_was_signed", body, signed(body).replace(str(NOW), str(NOW - 1))
    yield "300_seconds_ago", body, signed(body, at=NOW - 300)
    yield "301_seconds_ago", body, signed(body, at=NOW - 301)
    yield "an_hour_ago", body, signed(body, at=NOW - 3600)
    yield "300_seconds_ahead", body, signed(body, at=NOW + 300)
    yield "301_seconds_ahead", body, signed(body, at=NOW + 301)
    yield "an_hour_ahead", body, signed(body, at=NOW + 3600)
    yield "no_header", body, ""
    yield "no_time", body, f"v1={signature(body)}"
    yield "no_signature", body, f"t={NOW}"
    yield "only_another_scheme", body, signed(body).replace("v1=", "v0=")
    yield "an_empty_signature", body, f"t={NOW},v1="
    yield "half_a_signature", body, signed(body)[:-32]
    yield "capital_letters", body, signed(body).replace(signature(body), signature(body).upper())
    yield "a_time_in_words", body, f"t=now,v1={signature(body)}"
    yield "no_pairs", body, "signature"
    sha1 = hmac.new(SECRET.encode(), f"{NOW}.{body}".encode(), hashlib.sha1).hexdigest()
    yield "another_hash", body, f"t={NOW},v1={sha1}"


def verdict(body, header, secrets):
    """The library knows one secret at a time: with several, one that fits is enough."""
    with mock.patch("stripe._webhook.time.time", return_value=float(NOW)):
        for secret in secrets:
            try:
                Webhook.construct_event(body.encode("utf-8"), header, secret)
                return "accepted"
            except stripe.SignatureVerificationError:
                pass
    return "refused"


def main():
    vectors = [
        {
            "name": name,
            "body": body,
            "header": header,
            "with_the_new_secret": verdict(body, header, [SECRET]),
            "with_both_secrets": verdict(body, header, [OLD_SECRET, SECRET]),
        }
        for name, body, header in cases()
    ]
    document = {
        "library": f"stripe {stripe.VERSION}",
        "now": NOW,
        "secret": SECRET,
        "old_secret": OLD_SECRET,
        "vectors": vectors,
    }
    path = pathlib.Path(__file__).with_name("signatures.json")
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(vectors)} deliveries in {path}")


if __name__ == "__main__":
    main()
