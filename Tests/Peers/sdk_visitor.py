"""Parts of the SDK's check: who the visitor is, what they allow, and pages that forbid things."""

import datetime
import http.client
import urllib.parse
import uuid

GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })"
UTM = {"utm_source": "letter", "utm_campaign": "autumn", "gclid": "abc", "utm_other": "no"}


def settled(check):
    """Waits until nothing is on its way any more."""
    check.driver.execute_async_script("grapevine.flush().then(arguments[0])")


def traces(check):
    """Everything that a page may leave in a browser."""
    return check.driver.execute_async_script(
        "const done = arguments[0]; indexedDB.databases().then(async (databases) => done(["
        "...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie,"
        "...databases.map(({ name }) => name), ...await caches.keys()].filter(Boolean)))")


def denied(check):
    check.visit(consent="denied", pages="auto", **UTM, gv_code="GRAPES", early="grapevine.track('early')")
    check.js("window.lost = []; grapevine.on('dropped', (what) => lost.push(what.code))")
    check.holds("nothing is taken while it is denied", check.track(12) == [None] * 12 and check.js("return grapevine.ids()") is None)
    check.holds("the page hears of it", check.js("return lost") == ["no_consent"] * 12)
    settled(check)
    check.js("return grapevine.configuration()")
    check.leave()
    check.visit(consent="denied")
    check.proxy.delays = {"grapevine.js": 4}
    check.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    check.visit(is_loaded=False, consent="denied", pages="auto", early="grapevine.track('early')")
    check.leave()
    check.visit(consent="denied", pages="auto")
    check.holds("denied sends nothing", not check.proxy.requests, check.proxy.requests)
    check.holds("and stores nothing", traces(check) == [], traces(check))


def granted_later(check):
    check.visit(consent="denied", **UTM, gv_click="clk_01h455vb4pex5vsknk084sn02q", gv_code="GRAPES")
    check.js("grapevine.consent('memory')")
    ids = check.track(1)
    check.js("return grapevine.flush()")
    check.once("what is allowed in memory is sent", ids)
    check.holds("and not stored", traces(check) == [], traces(check))
    visitor = check.js("return grapevine.ids().anonymous_id")
    check.js("grapevine.consent('granted')")
    ids += check.track(1)
    check.holds("granted at run time, the visitor is the same", check.js("return grapevine.ids().anonymous_id") == visitor)
    check.leave()
    check.visit("/second", consent="denied")
    check.holds("it is remembered, and so is the visitor", check.js("return grapevine.ids().anonymous_id") == visitor)
    ids += check.track(10)
    check.once("everything since then is in the log", ids)
    first = check.logged(ids[-1])["context"]
    check.holds("with what first brought the visitor here, from before the consent",
                first["first_touch"]["utm"] == {"source": "letter", "campaign": "autumn"}
                and first["first_touch"]["click_ids"] == {"gclid": "abc"}
                and first["first_touch"]["landing_page"] == check.shop.url + "/", first)
    check.holds("and the link that did",
                first["referral"] == {"click_id": "clk_01h455vb4pex5vsknk084sn02q", "code": "GRAPES"}, first)
    check.holds("the visit by the link is told once",
                [event["type"] for event in check.log.read()
                 if event["participant"].get("anonymous_id") == visitor].count("referral_visit") == 1)


def withdrawn(check):
    check.visit()
    check.driver.switch_to.new_window("tab")
    check.visit("/second")
    ids = check.js("const ids = [grapevine.track('a'), grapevine.track('b')]; grapevine.consent('denied'); return ids")
    check.holds("withdrawn, nothing stays", traces(check) == [], traces(check))
    check.driver.close()
    check.driver.switch_to.window(check.driver.window_handles[0])
    check.eventually("other tabs hear of it", lambda: check.js("return grapevine.consent()") == "denied")
    check.track(20)
    settled(check)
    check.leave()
    check.holds("and nothing is sent any more, also not what waited", ids and not check.sent(), check.sent())
    check.visit(consent="memory")
    check.holds("nor stored", traces(check) == [], traces(check))


def privacy_control(check):
    check.visit()
    check.track(1)
    script = check.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": GPC})
    check.visit("/second", pages="auto")
    check.holds("Global Privacy Control counts as denied, whatever was stored",
                check.js("return grapevine.consent()") == "denied" and traces(check) == [], traces(check))
    check.js("grapevine.consent('granted')")
    check.once("a choice on the page itself counts", check.track(10))
    check.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def sessions(check):
    check.visit(**UTM, title="Grapes & vines", secret="token")
    ids = check.track(1)
    check.visit("/second", utm_source="friend")
    ids += check.track(1)
    check.js("const kept = JSON.parse(localStorage['gv:session']); kept.last -= 31 * 60_000;"
             "localStorage['gv:session'] = JSON.stringify(kept)")
    ids += check.track(1)
    check.js("return grapevine.flush()")
    check.once("three events on two pages", ids)
    one, two, three = (check.logged(event_id) for event_id in ids)
    of = lambda name: [event["context"][name] for event in (one, two, three)]
    first, second, third = of("session_id")
    check.holds("a session goes over pages and ends after half an hour", first == second != third, of("session_id"))
    check.holds("its events are numbered", of("sequence") == [1, 2, 1], of("sequence"))
    check.holds("the visitor is one", len({event["participant"]["anonymous_id"] for event in (one, two, three)}) == 1)
    check.holds("the first touch stays what it was", {str(touch["utm"]) for touch in of("first_touch")} ==
                {"{'source': 'letter', 'campaign': 'autumn'}"}, of("first_touch"))
    check.holds("each page's own parameters are with its events",
                (one["context"]["utm"]["source"], two["context"]["utm"]["source"]) == ("letter", "friend"))
    page = one["context"]["page"]
    check.holds("page, screen, language and version are told",
                page["path"] == "/" and page["title"] == "Grapes & vines" and one["context"]["screen"]["width"] > 0
                and one["context"]["locale"]["timezone"] and one["context"]["sdk"] == {
                    "name": "grapevine-js", "version": check.shop.version}, one["context"])
    check.holds("queries do not leave the page", "token" not in str(one) and "?" not in page["url"], page)


def people(check):
    check.visit()
    visitor = check.js("return grapevine.ids().anonymous_id")
    ids = check.track(1)
    ids.append(check.js("return grapevine.identify('ada', { email: 'ada@people.example' })"))
    check.holds("who is known already is not told again", check.js("return grapevine.identify('ada')") is None)
    ids += check.track(1)
    ids.append(check.js("return grapevine.track('purchase_completed', { order_id: 'o-1' }, { subject: 'o-1' })"))
    check.js("grapevine.reset()")
    ids += check.track(1)
    ids.append(check.js("return grapevine.identify('bob')"))
    check.js("return grapevine.flush()")
    check.once("a person signs in, buys, signs out; another signs in", ids)
    events = [check.logged(event_id) for event_id in ids]
    people = [event["participant"].get("external_id") for event in events]
    check.holds("events know their person", people == [None, "ada", "ada", "ada", None, "bob"], people)
    check.holds("and its traits", events[1]["participant"]["traits"] == {"email": "ada@people.example"}
                and events[3]["subject"] == "o-1", events[1])
    visitors = [event["participant"]["anonymous_id"] for event in events]
    check.holds("after signing out it is another visitor",
                visitors[:4] == [visitor] * 4 and visitors[4] == visitors[5] != visitor, visitors)


def referred(check):
    """Ada brings Bob: from her link over the shop's pages to a conversion, with Bob's events by the SDK."""
    play = uuid.uuid4().hex[:8]

    def sign_up(person, **more):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        check.as_server("/v1/sdk/events", {"events": [{
            "event": "user_signed_up", "event_id": f"{person}-{play}", "occurred_at": now,
            "participant_id": f"{person}-{play}", "properties": {"play": play}, **more}]})

    campaign = check.as_server("/v1/portal/campaigns", {
        "name": f"SDK {play}", "pulse": "signup", "budget": {"units": "100000", "asset": "USD"},
        "triggers": [{"event": "user_signed_up", "condition": {
            "field": "event.properties.play", "op": "in", "value": [play]}}],
        "reward_rules": [{"rule_id": "welcome", "recipient": "participant", "kind": "credit",
                          "amount": {"units": "500", "asset": "USD"}}],
        "referral": {"destination_url": "https://shop.example/"}})["campaign_id"]
    check.as_server(f"/v1/portal/campaigns/{campaign}/activate", {})
    sign_up("ada")
    links, _ = check.wait(lambda: check.as_server(f"/v1/portal/links?campaign_id={campaign}")["data"])
    gateway = http.client.HTTPConnection(urllib.parse.urlsplit(check.options.url).netloc, timeout=10)
    gateway.request("GET", f"/r/{links[0]['code']}", headers={"User-Agent": check.js("return navigator.userAgent")
                                                              .replace("Headless", "")})
    location = urllib.parse.urlsplit(gateway.getresponse().headers["Location"])
    landed = dict(urllib.parse.parse_qsl(location.query))
    check.shop.campaign = campaign
    check.visit(pages="auto", **landed)
    check.shop.campaign = None
    check.holds("the page knows the link that led to it", check.js("return grapevine.ids().referral") ==
                {"click_id": landed["gv_click"], "code": landed["gv_code"]}, landed)
    value = check.driver.execute_async_script("grapevine.configuration().then(arguments[0])")
    check.holds("and what anyone may know of its campaign", value and value["campaign_id"] == campaign and value["is_running"]
                and value["rewards"][0]["amount"]["units"] == "500" and "budget" not in value, value)
    check.js("return grapevine.flush()")
    sign_up("bob", anonymous_id=check.js("return grapevine.ids().anonymous_id"))
    conversions = check.eventually("Bob's sign-up counts as Ada's, by what the SDK told of the visit",
                                   lambda: check.as_server(f"/v1/portal/conversions?campaign_id={campaign}")["data"])
    ada = check.as_server(f"/v1/portal/participants?external_id=ada-{play}")["data"][0]["participant_id"]
    check.holds("it was Ada", [one["referrer_id"] for one in conversions or []] == [ada], conversions)


def other_ways_to_load(check):
    for kind in ("file", "core"):
        check.visit(**{"as": kind}, pages="auto")
        check.once(f"as {kind} with nonce and hash it works too", check.track(10))
        check.holds("and tells of the page view", "page_viewed" in
                    [event["event"] for request in check.proxy.requests for event in request["events"]])
        check.fresh()
    check.shop.campaign = "cmp_01h455vb4pex5vsknk084sn02q"
    check.visit()
    check.shop.campaign = None
    value = check.driver.execute_async_script("grapevine.configuration().then(arguments[0])")
    check.holds("a campaign without public configuration is no fault", value is None, value)


def listeners_and_values(check):
    check.visit()
    check.js("window.lost = []; grapevine.on('dropped', (what) => { lost.push(what.code); throw new Error('of the page') })")
    check.js("const round = {}; round.round = round; grapevine.track('a', round); grapevine.track('b', { n: 1n });"
             "grapevine.track('c', { text: 'x'.repeat(40_000) }); grapevine.identify(undefined)")
    check.holds("what cannot be sent is told and does no harm", check.js("return lost") ==
                ["not_json", "not_json", "event_too_large", "person_required"], check.js("return lost"))
    check.once("and the rest goes on", check.track(10))


def full_storage(check):
    check.visit()
    check.js("for (let size = 1 << 20; size > 8; size >>= 1) {"
             "  try { for (let n = 0; ; n++) localStorage[`other${size}-${n}`] = 'x'.repeat(size) } catch {} }")
    ids = check.track(9) + check.track(8)
    check.once("where nothing fits into the storage, events are sent from memory", ids)
    check.holds("and what others stored is untouched", check.js("return Object.keys(localStorage).length") > 10)


def blocked_storage(check):
    check.start({"profile.default_content_setting_values.cookies": 2})
    check.fresh()
    check.visit(pages="auto")
    check.holds("this browser stores nothing", check.js(
        "try { localStorage.length; return false } catch { return true }"))
    ids = check.track(25)
    check.once("with blocked storage everything is sent from memory", ids)
    ids = check.track(3)
    check.leave()
    check.once("also what is left when the page goes", ids)
    check.start()


def across_origins(check):
    """Without the proxy, if the server is as it will be: the gateway answers pages of other origins."""
    if not check.proxy.takes_beacons:
        return
    check.shop.gateway = check.options.url
    check.visit(pages="auto")
    check.once("straight to the gateway, from a page of another origin", check.track(10))
    check.eventually("its answers are read", lambda: not check.waiting())
    ids = check.track(2)
    check.leave()
    check.once("and when the page goes", ids)
    check.shop.gateway = check.proxy.url


def quiet(check):
    """Scripts and policies: the browser has nothing to say of a page where all is well."""
    check.driver.get_log("browser")
    check.visit(pages="auto", **UTM, gv_code="GRAPES")
    check.track(12)
    settled(check)
    check.shot("shop")
    check.leave()
    loud = check.driver.get_log("browser")
    check.holds("the browser complains of nothing", not loud, loud)


PARTS = (denied, granted_later, withdrawn, privacy_control, sessions, people, referred, other_ways_to_load,
         listeners_and_values, full_storage, blocked_storage, across_origins, quiet)
