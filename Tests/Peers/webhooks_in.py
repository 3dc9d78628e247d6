"""Signs webhooks as their senders' own libraries do, for event-service to judge.

usage: webhooks_in.py case.json

Reads {"now", "stripe": {"secret", "other", "body"}, "standard": …, "shopify": …} and prints
{"deliveries": [{"source", "headers", "body", "valid"}]}. `valid` is what the library itself says of
the delivery (Shopify has none: the HMAC is Python's own).
"""

import base64
import datetime
import hashlib
import hmac
import json
import sys

import stripe
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

with open(sys.argv[1], encoding="utf-8") as file:
    case = json.load(file)
now = case["now"]
deliveries = []


def add(source, headers, body, valid):
    deliveries.append({"source": source, "headers": headers, "body": body, "valid": valid})


def stripe_code(secret, time, body):
    return hmac.new(secret.encode(), f"{time}.{body}".encode(), hashlib.sha256).hexdigest()


def stripe_says(body, header, secret):
    try:
        stripe.Webhook.construct_event(body, header, secret, tolerance=300)
    except stripe.SignatureVerificationError:
        return False
    return True


one = case["stripe"]
body, secret, other = one["body"], one["secret"], one["other"]
right = stripe.WebhookSignature._compute_signature(f"{now}.{body}", secret)
wrong = stripe_code(other, now, body)
old = now - 400
assert right == stripe_code(secret, now, body)
for header in (
    f"t={now},v1={right}",
    f"t={now},v1={wrong},v1={right}",
    f"t={now},v0={wrong},v1={right}",
    f"t={now},v1={wrong}",
    f"t={now - 1},v1={right}",
    f"t={now},v0={right}",
    f"t={old},v1={stripe_code(secret, old, body)}",
    f"v1={right}",
):
    add("stripe", {"Stripe-Signature": header}, body, stripe_says(body, header, secret))
header = f"t={now},v1={right}"
add("stripe", {"Stripe-Signature": header}, body + " ", stripe_says(body + " ", header, secret))

one = case["standard"]
body, webhook, other = one["body"], Webhook(one["secret"]), Webhook(one["other"])


def standard(signer, message, at):
    time = datetime.datetime.fromtimestamp(at, tz=datetime.timezone.utc)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": signer.sign(msg_id=message, timestamp=time, data=body),
    }


def standard_says(text, headers):
    try:
        webhook.verify(text, headers)
    except WebhookVerificationError:
        return False
    return True


good = standard(webhook, "msg_1", now)
both = good | {
    "webhook-signature": standard(other, "msg_1", now)["webhook-signature"]
    + " "
    + good["webhook-signature"]
}
for headers, text in (
    (good, body),
    (both, body),
    (good, body + " "),
    (standard(other, "msg_1", now), body),
    (standard(webhook, "msg_1", now - 400), body),
    (standard(webhook, "msg_1", now + 400), body),
    (good | {"webhook-id": "msg_2"}, body),
    (good | {"webhook-timestamp": str(now - 1)}, body),
):
    add("standard", headers, text, standard_says(text, headers))

one = case["shopify"]
body = one["body"]
for secret, text, valid in (
    (one["secret"], body, True),
    (one["other"], body, False),
    (one["secret"], body + " ", False),
):
    code = hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()
    add(
        "shopify",
        {
            "X-Shopify-Topic": "orders/paid",
            "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
            "X-Shopify-Hmac-Sha256": base64.b64encode(code).decode(),
        },
        text,
        valid,
    )

assert any(one["valid"] for one in deliveries) and any(not one["valid"] for one in deliveries)
print(json.dumps({"deliveries": deliveries}))
