"""Holds the browser SDK against the real stack, in headless Chromium, while things go wrong.

usage: sdk_check.py --url http://127.0.0.1:8080 --event-url http://127.0.0.1:8103
                    --service-seed .local/secrets/analytics.seed --client-id cli_...
                    --secret-key gv_sk_... [--event-pid-file .local/run/event.pid] [--screenshots DIRECTORY] [--report FILE]
                    [--only NAME]

A shop on a port of its own loads the SDK from the gateway, through a proxy that can lose, refuse
and delay. What counts is what is in event-service's log afterwards: each event once, by its id.
Exits with 0 when every check holds; prints one line per check. The report gets "<passed> <failed>".
"""

import argparse
import collections
import json
import pathlib
import urllib.error
import urllib.parse
import urllib.request
import uuid

from selenium.common.exceptions import WebDriverException

import sdk_delivery
import sdk_faults
import sdk_visitor
from checks import DEADLINE_SECONDS, Checks, chromium
from sdk_stage import Log, Proxy, Shop

VERSION = "1.0.0"


class Check(Checks):
    passing = (WebDriverException, KeyError, IndexError, TypeError, urllib.error.URLError)

    def __init__(self, options):
        super().__init__(options)
        self.log = Log(options.event_url, options.service_seed, options.client_id)
        self.proxy = Proxy(options.url)
        self.shop = Shop(VERSION, None)
        self.shop.gateway = self.proxy.url
        self.shop.key = self.new_key([self.shop.url])
        self.proxy.takes_beacons = self.server_takes_beacons()
        self.driver = None

    # What holds

    def counts(self, ids):
        found = collections.Counter(event["event_id"] for event in self.log.read())
        return [found[one] for one in ids]

    def once(self, what, ids):
        """Every one of these events gets into the log, and once."""
        self.wait(lambda: all(self.counts(ids)))
        counts = self.counts(ids)
        self.holds(what, ids and all(ids) and counts == [1] * len(ids), counts)

    def logged(self, event_id):
        """An event as the log has it."""
        found = self.wait(lambda: [event for event in self.log.read() if event["event_id"] == event_id])[0]
        return found[0] if found else {}

    # The stack

    def ask(self, path, body, headers):
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.options.url + path, content, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def as_server(self, path, body=None):
        """What the client's server asks, with its secret key; with a body it posts."""
        return self.ask(path, body, {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex,
                                     "Authorization": f"Bearer {self.options.secret_key}"})

    def new_key(self, origins):
        """A publishable key that only works on pages of these origins."""
        return self.as_server("/v1/portal/keys", {
            "kind": "publishable", "name": "sdk check", "origins": origins, "scopes": []})["secret"]

    def server_takes_beacons(self):
        """Whether event-service reads JSON from text/plain, and keys from queries."""
        try:
            self.ask(f"/v1/sdk/events?key={self.shop.key}", {"events": []},
                     {"Content-Type": "text/plain;charset=UTF-8", "Origin": self.shop.url})
        except urllib.error.HTTPError as error:
            return error.code == 400 and json.load(error).get("code") == "invalid_event_count"
        return True

    # The browser

    def start(self, preferences=None):
        self.stop()
        self.driver = chromium("1000,700", preferences, page_load_strategy="eager")
        self.driver.set_script_timeout(DEADLINE_SECONDS)

    def stop(self):
        if self.driver:
            self.driver.quit()
            self.driver = None

    def js(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def leave(self):
        self.driver.get("about:blank")

    def fresh(self):
        """A visitor who was never here, and nothing wrong."""
        self.proxy.reset()
        self.leave()
        self.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": self.shop.url, "storageTypes": "all"})

    def visit(self, path="/", is_loaded=True, **query):
        query = {"consent": "granted"} | query
        self.driver.get(f"{self.shop.url}{path}?{urllib.parse.urlencode(query, safe='@')}")
        if is_loaded:
            self.wait(lambda: self.js("return Boolean(window.grapevine && grapevine.version)"))

    def track(self, count, name="product_viewed", properties=None):
        """Tracks so many events at once; answers with their ids."""
        return self.js(
            "const [count, name, more] = arguments;"
            "return Array.from({ length: count }, (_, index) => grapevine.track(name, { index, ...more }))",
            count, name, properties or {})

    def stored(self):
        """What the SDK keeps in this browser, by name."""
        return self.js("return Object.fromEntries(Object.entries(localStorage).filter(([k]) => k.startsWith('gv:')))")

    def waiting(self):
        """Names of the events that are stored and not answered for yet."""
        return [name for name in self.stored() if name.startswith("gv:e:")]

    def sent(self):
        """Ids of the events that were carried, each as often as it was."""
        return [event["event_id"] for request in self.proxy.requests for event in request["events"]]

    def shot(self, name):
        if self.options.screenshots:
            self.driver.save_screenshot(str(self.options.screenshots / f"{name}.png"))

    def run(self):
        if not self.proxy.takes_beacons:
            print("  wait  the server takes no text/plain and no key in the query yet: the proxy rewrites both")
        try:
            self.start()
            for part in (*sdk_delivery.PARTS, *sdk_faults.PARTS, *sdk_visitor.PARTS):
                if self.options.only and self.options.only not in part.__name__:
                    continue
                self.fresh()
                try:
                    part(self)
                except (WebDriverException, urllib.error.URLError, LookupError, TypeError, ValueError) as error:
                    self.holds(f"{part.__name__} comes to its end", False, f"{error.__class__.__name__}: {error}"[:500])
                    self.start()
        finally:
            self.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--event-url", required=True)
    parser.add_argument("--service-seed", required=True, type=pathlib.Path)
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--secret-key", required=True)
    parser.add_argument("--event-pid-file", type=pathlib.Path, help="of event-service, which is killed for a check")
    parser.add_argument("--screenshots", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--only", help="only the parts whose name has this in it")
    check = Check(parser.parse_args())
    check.finish(check.run)


if __name__ == "__main__":
    main()
