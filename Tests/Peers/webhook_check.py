"""Checks webhooks with the verifier of the Standard Webhooks project.

usage: webhook_check.py deliveries.json

The file has {"deliveries": [{"headers", "body"}], "secrets": [[...]]}: the secrets that must accept
each delivery. Exits with 0 when every check holds; prints one line per check.
"""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def accepts(secret, body, headers):
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
assert document["deliveries"], "nothing to check"
for delivery, secrets in zip(document["deliveries"], document["secrets"], strict=True):
    headers, body = delivery["headers"], delivery["body"]
    for secret in secrets:
        assert Webhook(secret).verify(body, headers) == json.loads(body)
        assert not accepts(secret, body + " ", headers)
        for name, value in (
            ("webhook-id", headers["webhook-id"] + "x"),
            ("webhook-timestamp", str(int(headers["webhook-timestamp"]) - 1)),
            ("webhook-timestamp", str(int(headers["webhook-timestamp"]) - 3600)),
            ("webhook-signature", "v1,AAAA"),
        ):
            assert not accepts(secret, body, headers | {name: value}), name
    other = "whsec_" + "A" * 43 + "="
    assert not accepts(other, body, headers)
    print(f"ok   {headers['webhook-id']}: {len(secrets)} secrets")
