"""Sends events with other people's clients through the gateway of a running stack, while requests
are refused, answers get lost and event-service is killed, and looks what is in the log.

usage: ingest_check.py --url http://127.0.0.1:8080 --secret-key gv_sk_... --publishable-key gv_pk_...
                       --state .local [--report FILE]

`--state` is where the stack keeps its files: its log is read as another service would read it, and
event-service is killed by its pid there. Exits with 0 when every check holds; prints one line per
check. The report gets "<passed> <failed>".
"""

import argparse
import base64
import collections
import http.client
import http.server
import json
import logging
import os
import pathlib
import signal
import threading
import time
import urllib.parse
import uuid

import jwt
import requests
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from posthog import Posthog
from rudderstack.analytics.client import Client as Rudder
from segment.analytics.client import Client as Segment

from checks import Checks

# A service is killed and comes back meanwhile.
DEADLINE_SECONDS = 60
EVENTS = 40
BATCH = 10
# Which requests of a run meet the fault: the first, and one in the middle.
FAULTY = {0, 2}
REFUSAL = json.dumps({"status": 429, "code": "rate_limited", "message": "Wait.", "detail": "Wait."}).encode()


class Stack:
    """The running stack, as one who may look at its files."""

    def __init__(self, options):
        self.url = options.url
        self.state = options.state
        ports = dict(line.split("=") for line in (self.state / "ports").read_text().split())
        self.events = f"http://127.0.0.1:{ports['event']}"
        seed = (self.state / "secrets" / "analytics.seed").read_text().strip()
        self.key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(seed + "=" * (-len(seed) % 4)))

    def read(self, path, **query):
        now = int(time.time())
        token = jwt.encode(
            {"sub": "analytics-service", "aud": ["event-service"], "iat": now, "exp": now + 120},
            self.key, algorithm="EdDSA", headers={"kid": "analytics-service"})
        answer = requests.get(
            self.events + path, params=query, headers={"Authorization": f"Bearer {token}"}, timeout=15)
        answer.raise_for_status()
        return answer.json()

    def shards(self):
        """The position of each shard's end."""
        heads = []
        while True:
            try:
                heads.append(self.read("/internal/feed", shard=len(heads), after=0, limit=0)["head"])
            except requests.HTTPError:
                return heads

    def since(self, positions):
        """Every event after these positions, which are moved."""
        for shard in range(len(positions)):
            while True:
                page = self.read("/internal/feed", shard=shard, after=positions[shard], limit=500)
                yield from page["events"]
                positions[shard] = page["next"]
                if page["next"] >= page["head"]:
                    break

    def kill(self):
        """Ends event-service as a crash does; its supervisor starts it again."""
        pid = int((self.state / "run" / "event.pid").read_text())
        os.kill(pid, signal.SIGKILL)


class Faults(http.server.ThreadingHTTPServer):
    """Stands between a client and the gateway, and makes the trouble of one run."""

    daemon_threads = True

    def __init__(self, stack, fault):
        super().__init__(("127.0.0.1", 0), FaultHandler)
        self.stack, self.fault = stack, fault
        self.lock = threading.Lock()
        self.requests = self.faults = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def next_fault(self):
        with self.lock:
            number = self.requests
            self.requests += 1
            if self.fault == "none" or number not in FAULTY:
                return None
            self.faults += 1
            return self.fault


class FaultHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.server.next_fault()
        if fault == "429":
            self.answer(429, {"Content-Type": "application/problem+json", "Retry-After": "1"}, REFUSAL)
            return
        host = urllib.parse.urlsplit(self.server.stack.url)
        connection = http.client.HTTPConnection(host.hostname, host.port, timeout=20)
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() not in ("host", "connection", "content-length")}
        try:
            connection.request("POST", self.path, body, headers)
            if fault == "kill":
                self.server.stack.kill()
            answer = connection.getresponse()
            content = answer.read()
        except OSError:
            self.close_connection = True
            return
        finally:
            connection.close()
        if fault == "drop":
            # The events are committed; the client never hears of it.
            self.close_connection = True
            return
        kept = {name: value for name, value in answer.getheaders()
                if name.lower() not in ("content-length", "connection", "transfer-encoding")}
        self.answer(answer.status, kept, content)

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


# The clients: each sends events of a person and gives back their ids.


def send_with_segment(host, key, person, errors):
    client = Segment(
        key, host=host, gzip=True, upload_size=BATCH, upload_interval=0.2,
        on_error=lambda error, items: errors.append(error))
    calls = [
        lambda n: client.track(person, "Order Completed", {"order_id": f"{person}-{n}", "revenue": 25.5, "currency": "USD"}),
        lambda n: client.identify(person, {"plan": "pro", "seats": n}),
        lambda n: client.page(person, "docs", "Start", {"n": n}),
        lambda n: client.track(person, "Button Clicked", {"n": n, "text": "ü\u2028"}),
        lambda n: client.group(person, "company", {"n": n}),
        lambda n: client.screen(person, "app", "Home", {"n": n}),
        lambda n: client.alias(f"{person}-before-{n}", person),
    ]
    ids = [calls[n % len(calls)](n)[1]["messageId"] for n in range(EVENTS)]
    client.flush()
    client.join()
    return ids


def send_with_rudder(host, key, person, errors):
    client = Rudder(
        key, host=host, upload_size=BATCH, upload_interval=0.2,
        on_error=lambda error, items: errors.append(error))
    calls = [
        lambda n: client.track(person, "Order Completed", {"order_id": f"{person}-{n}", "total": "25.50", "currency": "USD"}),
        lambda n: client.identify(person, {"plan": "pro", "seats": n}),
        lambda n: client.track(person, "Button Clicked", {"n": n}),
        lambda n: client.group(person, "company", {"n": n}),
    ]
    ids = [calls[n % len(calls)](n)[1]["messageId"] for n in range(EVENTS)]
    client.flush()
    client.join()
    return ids


def send_with_posthog(host, key, person, errors, **more):
    client = Posthog(
        key, host=host, gzip=True, flush_at=BATCH, flush_interval=0.2, max_retries=10,
        on_error=lambda error, items: errors.append(error), **more)
    calls = [
        lambda n: client.capture("Order Completed", distinct_id=person, properties={
            "order_id": f"{person}-{n}", "revenue": 25.5, "currency": "USD"}),
        lambda n: client.set(distinct_id=person, properties={"plan": "pro", "seats": n}),
        lambda n: client.capture("Button Clicked", distinct_id=person, properties={"n": n}),
        lambda n: client.alias(previous_id=f"{person}-before-{n}", distinct_id=person),
    ]
    ids = [calls[n % len(calls)](n) for n in range(EVENTS)]
    client.shutdown()
    return ids


def send_with_newer_posthog(host, key, person, errors):
    return send_with_posthog(host, key, person, errors, capture_mode="v1", capture_compression="deflate")


def send_cloud_events(host, key, person, errors):
    """The package makes messages; sending them, again where it is in doubt, is the caller's part."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {key}"

    def post(headers, body):
        for _ in range(20):
            try:
                answer = session.post(host + "/v1/sdk/cloudevents", data=body, headers=headers, timeout=15)
            except requests.ConnectionError:
                continue
            if answer.status_code == 202:
                return
            if answer.status_code != 429 and answer.status_code < 500:
                break
            time.sleep(float(answer.headers.get("Retry-After", "1")))
        errors.append(f"{answer.status_code} {answer.text}")

    ids, waiting = [], []
    for number in range(EVENTS):
        event = CloudEvent({
            "type": "Order Completed", "source": "/shop", "id": f"{person}-{number}",
            "participantid": person, "subject": f"{person}-{number}", "datacontenttype": "application/json",
        }, {"n": number})
        ids.append(f"/shop {person}-{number}")
        if number % 3 == 0:
            message = to_binary_event(event)
            post(message.headers, message.body)
        elif number % 3 == 1:
            message = to_structured_event(event)
            post(message.headers, message.body)
        else:
            waiting.append(json.loads(to_structured_event(event).body))
    post({"Content-Type": "application/cloudevents-batch+json"}, json.dumps(waiting))
    return ids


CLIENTS = {
    "segment-analytics-python": (send_with_segment, "/v1/sdk/segment"),
    "rudder-sdk-python": (send_with_rudder, "/v1/sdk/segment"),
    "posthog": (send_with_posthog, "/v1/sdk/posthog"),
    "posthog, newer protocol": (send_with_newer_posthog, "/v1/sdk/posthog"),
    "cloudevents": (send_cloud_events, ""),
}
FAULTS = {
    "none": "without trouble",
    "429": "refused with 429 at first",
    "drop": "answers lost after the commit",
    "kill": "event-service killed while it writes",
}


class Check(Checks):
    def __init__(self, options):
        super().__init__(options)
        self.stack = Stack(options)

    def log_of(self, person, positions, wanted):
        """The person's events in the log, once all are there or time is up."""
        found, deadline = [], time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                found += [event for event in self.stack.since(positions)
                          if (event.get("participant") or {}).get("external_id") == person]
            except requests.RequestException:
                pass  # it is on its way back
            if wanted <= {event["event_id"] for event in found} or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def run(self, name, fault):
        send, prefix = CLIENTS[name]
        person = f"peer-{uuid.uuid4().hex[:12]}"
        proxy, errors = Faults(self.stack, fault), []
        positions = self.heads()
        # Where nothing is wrong the client is given the gateway's own address.
        host = proxy.url + ("" if fault == "none" else prefix)
        ids = [str(identifier) for identifier in send(host, self.options.secret_key, person, errors)]
        found = self.log_of(person, positions, set(ids))
        proxy.shutdown()
        counts = collections.Counter(event["event_id"] for event in found)
        what = f"{name}: {len(set(ids))} events arrive once, {FAULTS[fault]}"
        detail = (f"{len(counts)} found, {[i for i, n in counts.items() if n > 1]} twice, errors {errors}, "
                  f"{proxy.faults} faults in {proxy.requests} requests")
        self.holds(what, counts == collections.Counter(set(ids)) and not errors
                   and (proxy.faults > 0 or fault == "none"), detail)
        if fault == "none":
            self.orders(name, [event for event in found if event["type"] == "purchase_completed"], person)

    def orders(self, name, orders, person):
        self.holds(f"{name}: orders are purchases with the order as their subject", orders and all(
            event["subject"].startswith(f"{person}-") and event["trust"] == "server"
            and event["context"]["told"]["event"] == "Order Completed" for event in orders), orders[:1])
        if name != "cloudevents":
            self.holds(f"{name}: their amounts are exact", all(
                event["properties"]["amount"] == {"units": "2550", "asset": "USD"} for event in orders), orders[:1])

    def heads(self):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                return self.stack.shards()
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def browsers(self):
        key, url = self.options.publishable_key, self.options.url
        settings = requests.get(f"{url}/v1/projects/{key}/settings", timeout=10)
        self.holds("Segment's browser client finds its settings", settings.status_code == 200
                   and settings.json()["integrations"]["Segment.io"]["apiKey"] == key, settings.text)
        body = {"type": "track", "event": "Seen", "anonymousId": "a", "messageId": str(uuid.uuid4()), "writeKey": key}
        for path in ("/v1/t", "/v1/track", "/v1/sdk/segment/v1/t"):
            answer = requests.post(url + path, data=json.dumps(body), headers={"Content-Type": "text/plain"}, timeout=10)
            self.holds(f"a page may call {path}", answer.status_code == 200 and answer.json() == {"success": True}, answer.text)
        asked = requests.options(url + "/v1/b", timeout=10, headers={
            "Origin": "https://shop.example", "Access-Control-Request-Method": "POST"})
        self.holds("a browser that asks first is let through", asked.status_code == 204
                   and asked.headers.get("Access-Control-Allow-Origin") == "https://shop.example", asked.headers)
        client = Posthog(key, host=url, disable_geoip=True)
        self.holds("posthog: asked for flags there are none", client.get_all_flags("somebody") == {})
        client.shutdown()
        refused = requests.post(f"{url}/v1/t?writeKey={self.options.secret_key}", data="{}", timeout=10)
        self.holds("a secret key in an address is refused", refused.json().get("code") == "secret_key_in_address", refused.text)
        large = requests.post(url + "/v1/batch", data=b" " * 4_500_000, timeout=10, auth=(key, ""))
        self.holds("a body that is too large is refused in words", large.status_code == 413
                   and {"code", "message"} <= large.json().keys(), large.text)

    def all(self):
        self.browsers()
        for name in CLIENTS:
            for fault in FAULTS:
                self.run(name, fault)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--secret-key", required=True)
    parser.add_argument("--publishable-key", required=True)
    parser.add_argument("--state", required=True, type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    # What the clients say of their retries is expected here.
    logging.disable(logging.CRITICAL)
    check = Check(options)
    check.finish(check.all)


main()
