"""Parts of the SDK's check: events get there, each once, whatever happens on the way."""

import gzip
import json
import pathlib
import time
import urllib.error
import urllib.request

SDK = pathlib.Path(__file__).parents[2] / "Services/Web/sdk"
#: What the SDK may weigh, in bytes after gzip.
CORE_BYTES, LOADER_BYTES = 6144, 1024
#: Keepalive requests and beacons may have 64 KiB under way together.
BODY_BYTES = 51_000


def files(check):
    """Size, types, caching and integrity of what the gateway serves."""
    release = SDK / "releases" / check.shop.version
    integrity = json.loads((release / "integrity.json").read_text())
    for name, most in (("grapevine.js", CORE_BYTES), ("loader.js", LOADER_BYTES)):
        with urllib.request.urlopen(f"{check.options.url}/sdk/{check.shop.version}/{name}", timeout=10) as answer:
            content, headers = answer.read(), answer.headers
        size = len(gzip.compress(content, 9))
        check.holds(f"{name} is small: {size} of {most} bytes, {len(content)} unpacked", size <= most)
        check.holds(f"{name} is served as it was released", content == (release / name).read_bytes())
        check.holds(f"{name} may be kept for good, by pages of any origin",
                    "immutable" in headers["Cache-Control"] and headers["Access-Control-Allow-Origin"] == "*"
                    and headers["Content-Type"].startswith("text/javascript"), dict(headers))
    check.holds("the loader asks for the core by its hash",
                integrity["grapevine.js"] in (release / "loader.js").read_text())
    try:
        urllib.request.urlopen(f"{check.options.url}/v1/sdk//events", timeout=10)
    except urllib.error.HTTPError as error:
        check.holds("what the gateway itself answers can be read by a page too",
                    error.headers["Access-Control-Allow-Origin"] == "*", dict(error.headers))


def early_calls(check):
    """Calls before the core is there are noted, and are done when it comes."""
    check.proxy.delays = {"grapevine.js": 1.5}
    check.visit(is_loaded=False, pages="auto",
                early="window.stub = grapevine; window.stubTrack = grapevine.track;"
                "window.early = ['one', 'two'].map((step) => grapevine.track(`early_${step}`))")
    check.holds("the loader stands in while the core is on its way", check.js("return !grapevine.version"))
    ids = check.js("return early")
    check.eventually("the core takes over", lambda: check.js("return grapevine.version"))
    ids += check.js("return [stub.track('late_one'), stubTrack('late_two')]")
    check.js("return grapevine.flush()")
    check.once("what was called before is in the log once, and what is called by a stand-in that was kept", ids)
    one, two = (check.logged(event_id) for event_id in ids[:2])
    types = [event["type"] for event in check.log.events[-5:]]
    check.holds("in its order and with its time, behind the page view",
                types == ["page_viewed", "early_one", "early_two", "late_one", "late_two"]
                and one["occurred_at"] <= two["occurred_at"] < two["received_at"], types)
    check.holds("ids are UUIDs of version 7", all(one[14] == "7" and one[19] in "89ab" for one in ids), ids)


def core_never_comes(check):
    """The visitor is gone before the core is there: the loader sends what it noted."""
    check.proxy.delays = {"grapevine.js": 4}
    check.visit(is_loaded=False, early="window.early = [grapevine.track('quick_look', { a: 1 })]")
    ids = check.js("return early")
    check.leave()
    check.once("a page left before the core came loses nothing", ids)
    check.holds("the loader itself sent it", check.proxy.requests[0]["mode"] == "no-cors", check.proxy.requests)
    check.proxy.reset()
    check.proxy.altered = True
    check.visit(is_loaded=False, early="window.early = [grapevine.track('quick_look')]")
    ids = check.js("return early")
    check.wait(lambda: any("integrity" in entry["message"] for entry in check.driver.get_log("browser")))
    check.holds("a core that is not the released one is not run", check.js("return !grapevine.version"))
    check.leave()
    check.once("and then, too, nothing is lost", ids)


def prepared_page(check):
    """A page that is prepared in advance counts when somebody sees it."""
    source = "Object.defineProperty(Document.prototype, 'prerendering', { value: true, configurable: true })"
    script = check.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    check.visit(is_loaded=False, pages="auto", **{"as": "core"})
    check.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    check.wait(lambda: check.js("return document.readyState") == "complete")
    check.holds("a page that nobody sees yet notes nothing", check.js("return !window.grapevine"))
    check.js("document.dispatchEvent(new Event('prerenderingchange'))")
    ids = check.track(9)
    check.once("and starts when it is seen", ids)
    check.holds("with its page view", check.proxy.requests[0]["events"][0]["event"] == "page_viewed")


def batches(check):
    check.visit()
    ids = check.track(9)
    check.holds("nine events wait", not check.proxy.requests, check.proxy.requests)
    ids += check.track(1)
    check.once("the tenth sends all ten", ids)
    check.holds("in one request, that asks for no permission",
                [(len(request["events"]), request["type"]) for request in check.proxy.requests]
                == [(10, "text/plain;charset=UTF-8")], check.proxy.requests)
    check.eventually("what was answered for is forgotten", lambda: not check.waiting())
    check.once("a single event is sent after ten seconds", check.track(1))
    numbers = [event["context"]["sequence"] for event in check.log.read() if event["event_id"] in ids]
    check.holds("the events of the session are numbered without a gap", numbers == list(range(1, 11)), numbers)


def hidden_and_closed(check):
    check.visit()
    ids = check.track(2)
    began = time.monotonic()
    check.js("Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });"
             "document.dispatchEvent(new Event('visibilitychange'))")
    check.once("a page that goes out of sight sends", ids)
    check.holds("without waiting for its ten seconds", check.proxy.requests[0]["began"] - began < 9)
    for consent in ("granted", "memory"):
        check.fresh()
        check.driver.switch_to.new_window("tab")
        check.visit(consent=consent)
        ids = check.track(3)
        check.driver.close()
        check.driver.switch_to.window(check.driver.window_handles[0])
        check.once(f"a closed page loses nothing ({consent})", ids)
    check.fresh()
    check.visit(consent="memory")
    ids = check.track(2)
    check.leave()
    check.once("nor does a page that is left for another", ids)


def without_keepalive(check):
    """Browsers whose requests end with the page have beacons."""
    source = ("delete Request.prototype.keepalive; const send = navigator.sendBeacon.bind(navigator);"
              "navigator.sendBeacon = (address, body) => body.size < 4000 && send(address, body)")
    script = check.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    check.visit(consent="memory")
    ids = check.track(9)
    check.leave()
    check.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    check.once("without keepalive beacons carry the rest", ids)
    check.holds("and one that is refused is halved", {request["mode"] for request in check.proxy.requests} == {"no-cors"}
                and 1 < len(check.proxy.requests) < 9, len(check.proxy.requests))


def offline(check):
    check.visit()
    check.driver.set_network_conditions(offline=True, latency=0, throughput=-1)
    ids = check.track(12)
    check.eventually("offline, events wait", lambda: len(check.waiting()) == 12 and check.stored().get("gv:hold"))
    check.js("localStorage['gv:hold'] = Date.now() + 300_000")  # as after many attempts
    check.driver.set_network_conditions(offline=False, latency=0, throughput=-1)
    check.once("back online they are sent, each once", ids)
    check.driver.set_network_conditions(offline=True, latency=0, throughput=-1)
    ids = check.track(4)
    check.js("grapevine.flush()")
    check.driver.set_network_conditions(offline=False, latency=0, throughput=-1)
    check.driver.delete_network_conditions()
    check.leave()
    check.visit("/later")
    check.once("what was left over goes with the next page", ids)
    check.eventually("and is not kept", lambda: not check.waiting())


def two_tabs(check):
    check.proxy.delays = {"/v1/sdk/events": 0.3}
    check.visit()
    first = check.driver.current_window_handle
    check.driver.switch_to.new_window("tab")
    check.visit("/second")
    ids = []
    for _ in range(4):
        for window in check.driver.window_handles:
            check.driver.switch_to.window(window)
            ids += check.track(9)
    check.once("two tabs, every event once", ids)
    check.holds("one tab at a time sends", not overlapping(check), overlapping(check))
    check.holds("none was sent twice", len(check.sent()) == len(set(check.sent())) == len(ids), len(check.sent()))
    sessions = {check.logged(one)["context"]["session_id"] for one in ids}
    check.holds("both tabs are one session", len(sessions) == 1, sessions)
    check.proxy.delays = {}
    check.driver.close()
    check.driver.switch_to.window(first)


def overlapping(check):
    ordered = sorted(check.proxy.requests, key=lambda request: request["began"])
    return [(one["ended"], two["began"]) for one, two in zip(ordered, ordered[1:])
            if one["ended"] is None or two["began"] < one["ended"]]


def slow_network(check):
    check.visit()
    check.driver.set_network_conditions(offline=False, latency=400, throughput=40_000)
    ids = check.track(60, properties={"text": "grape " * 450})
    check.once("60 large events over a slow line, each once", ids)
    check.driver.delete_network_conditions()
    sizes = [request["bytes"] for request in check.proxy.requests]
    check.holds("no body is too large to outlive the page", max(sizes) <= BODY_BYTES and len(sizes) > 2, sizes)


PARTS = (files, early_calls, core_never_comes, prepared_page, batches, hidden_and_closed, without_keepalive, offline,
         two_tabs, slow_network)
