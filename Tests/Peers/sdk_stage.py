"""What the browser SDK is checked on: a shop, faults between it and the gateway, and the log itself."""

import base64
import html
import http.client
import json
import pathlib
import secrets
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RELEASE = pathlib.Path(__file__).parents[2] / "Services/Web/sdk/releases"


class Server(ThreadingHTTPServer):
    """On a free port of this machine, in threads of its own."""

    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        handler.stage = self
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A browser that hangs up is no fault of ours."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *arguments):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Shop(Server):
    """Pages of a shop under a strict content security policy.

    The query says how: `as` inline, file or core; `pages`; `consent`; `with`, a script file to run;
    everything else (utm_source, gv_click, …) is there for the SDK to see.
    """

    def __init__(self, version, key, campaign=None):
        self.version, self.key, self.campaign = version, key, campaign
        self.gateway = None  # set before the first page
        self.policy_has_gateway = True

        class Pages(Handler):
            def do_GET(self):
                address = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(address.query))
                if address.path == "/favicon.ico":
                    return self.answer(204, {}, b"")
                shop, nonce = self.stage, secrets.token_urlsafe(12)
                policy = (f"default-src 'none'; script-src 'nonce-{nonce}'; connect-src {shop.gateway}; "
                          "style-src 'self'; base-uri 'none'")
                self.answer(200, {
                    "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store",
                    "Content-Security-Policy": policy,
                }, shop.page(query, nonce).encode())

        super().__init__(Pages)

    def page(self, query, nonce):
        data = {"key": query.get("key", self.key), "url": self.gateway + "/", "campaign": self.campaign,
                "consent": query.get("consent"), "pages": query.get("pages", "manual")}
        attributes = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in data.items() if value)
        files = f"{self.gateway}/sdk/{self.version}"
        integrity = json.loads((RELEASE / self.version / "integrity.json").read_text())
        kind = query.get("as", "inline")
        if kind == "inline":
            loader = (RELEASE / self.version / "loader.js").read_text()
            script = f'<script nonce="{nonce}" {attributes}>{loader}</script>'
        else:
            name = {"file": "loader.js", "core": "grapevine.js"}[kind]
            script = (f'<script nonce="{nonce}" src="{files}/{name}" integrity="{integrity[name]}" '
                      f'crossorigin="anonymous" {attributes}></script>')
        early = query.get("early")  # what the page does at once, before the core can be there
        more = f'<script nonce="{nonce}">{early}</script>' if early else ""
        title = html.escape(query.get("title", "Vines & more"))
        return (f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>{script}{more}"
                f"<h1>{title}</h1><p><a href='/next?pages=manual'>Next</a>")


class Proxy(Server):
    """Passes everything on to the gateway, notes what events it carried, and does what goes wrong."""

    def __init__(self, gateway):
        self.target = urllib.parse.urlsplit(gateway)
        self.lock = threading.Lock()
        self.takes_beacons = True
        self.reset()

        class Way(Handler):
            def do_GET(self):
                self.stage.pass_on(self)

            do_POST = do_OPTIONS = do_GET

        super().__init__(Way)

    def reset(self):
        self.requests = []  # what was asked with events in it
        self.answers = []  # forced answers to the next ones: (status, headers, problem)
        self.lost_answers = 0  # the next ones are passed on, and their answers are lost
        self.largest_bytes = 1 << 20
        self.poison = None  # a text that makes a body too large
        self.delays = {}  # seconds, by a part of the path
        self.altered = False  # whether scripts come with a byte more
        self.weather = None  # random.Random: a third of the requests fail, each in a way of its own

    def pass_on(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = handler.path
        for part, seconds in list(self.delays.items()):
            if part in path:
                time.sleep(seconds)
        carries_events = handler.command == "POST" and "/v1/sdk/events" in path
        note = self.note(handler, body) if carries_events else {}
        forced = self.forced(body) if carries_events else None
        if forced:
            status, headers, content = forced[0], dict(forced[1]), json.dumps(forced[2]).encode()
            headers |= {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After",
                        "Content-Type": "application/problem+json"}
        else:
            status, headers, content = self.ask(handler, path, body)
        note.update(status=status, ended=time.monotonic())
        if carries_events and not forced and self.loses_answer():
            note["status"] = 0
            handler.close_connection = True
            return
        if self.altered and path.endswith("grapevine.js"):
            content += b"\n"
        handler.answer(status, headers, content)

    def note(self, handler, body):
        text = body.decode()
        try:
            events = json.loads(text).get("events", [])
        except ValueError:
            events = []
        note = {"began": time.monotonic(), "ended": None, "bytes": len(body), "status": None, "events": events,
                "type": handler.headers.get("Content-Type"), "mode": handler.headers.get("Sec-Fetch-Mode")}
        with self.lock:
            self.requests.append(note)
        return note

    def loses_answer(self):
        with self.lock:
            if self.lost_answers > 0:
                self.lost_answers -= 1
                return True
            return bool(self.weather) and self.weather.random() < 0.15

    def forced(self, body):
        with self.lock:
            if self.answers:
                return self.answers.pop(0)
            if self.weather and self.weather.random() < 0.2:
                # What is too large alone is dropped, and rightly; a storm only makes batches smaller.
                refusals = [408, 429, 500, 502, 503] + [413] * (body.count(b'"event_id":') > 1)
                status = self.weather.choice(refusals)
                return status, {"Retry-After": "1"} if status == 429 else {}, {"status": status}
        if len(body) > self.largest_bytes or (self.poison and self.poison in body.decode()):
            return 413, {}, {"status": 413, "code": "body_too_large"}
        return None

    def ask(self, handler, path, body):
        headers = {name: value for name, value in handler.headers.items()
                   if name.lower() not in ("host", "connection", "accept-encoding", "content-length")}
        if not self.takes_beacons and "/v1/sdk/" in path and "key=" in path:
            # For a server that does not read keys from queries and JSON from text/plain yet.
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query))
            headers |= {"Authorization": f"Bearer {query['key']}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.target.hostname, self.target.port, timeout=30)
        try:
            connection.request(handler.command, path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        except OSError:
            return 502, {}, b""
        finally:
            connection.close()
        kept = {name: value for name, value in answer.getheaders()
                if name.lower() not in ("connection", "content-length", "transfer-encoding", "server", "date")}
        return answer.status, kept, content


class Log:
    """Reads event-service's log by its feed, as a service does, and leaves no trace there."""

    def __init__(self, url, seed_file, client_id):
        self.url, self.seed, self.client_id = url, seed_file.read_text().strip(), client_id
        self.after = [0] * 8
        self.events = []

    def token(self):
        """A service token: EdDSA by openssl, for two minutes."""
        def encoded(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")

        now = int(time.time())
        head = {"alg": "EdDSA", "typ": "JWT", "kid": "analytics-service"}
        claims = {"sub": "analytics-service", "aud": ["event-service"], "iat": now, "exp": now + 120}
        text = b".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        seed = base64.urlsafe_b64decode(self.seed + "==")
        with tempfile.TemporaryDirectory() as directory:
            place = pathlib.Path(directory)
            (place / "key").write_bytes(bytes.fromhex("302e020100300506032b657004220420") + seed)
            (place / "text").write_bytes(text)
            signature = subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", place / "key",
                 "-in", place / "text"], check=True, capture_output=True).stdout
        return (text + b"." + encoded(signature)).decode()

    def read(self):
        """All of the client's events so far, in the order of the log."""
        token = self.token()
        for shard in range(len(self.after)):
            while True:
                query = urllib.parse.urlencode({"shard": shard, "after": self.after[shard], "limit": 500})
                request = urllib.request.Request(f"{self.url}/internal/feed?{query}",
                                                 headers={"Authorization": f"Bearer {token}"})
                with urllib.request.urlopen(request, timeout=10) as answer:
                    page = json.load(answer)
                self.events += [event for event in page["events"]
                                if event["client_id"] == self.client_id and "participant" in event]
                if page["next"] <= self.after[shard]:
                    break
                self.after[shard] = page["next"]
        return self.events
