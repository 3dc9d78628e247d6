"""Parts of the SDK's check: what the server and the way to it do wrong, and what pages do."""

import os
import random
import signal


def lost_answers(check):
    check.visit()
    check.proxy.lost_answers = 2
    ids = check.track(10)
    check.once("answers that are lost count nothing twice", ids)
    check.eventually("and it is asked until there is one", lambda: not check.waiting())
    check.holds("the same events are sent again, by the same ids", len(check.sent()) == 30, len(check.sent()))


def split(check):
    check.visit()
    check.js("window.lost = []; grapevine.on('dropped', (what) => lost.push([what.code, what.event.event_id]))")
    check.proxy.largest_bytes = 6000
    ids = check.track(20)
    check.once("refused as too large, a batch is halved until it fits", ids)
    check.proxy.largest_bytes = 1 << 20
    check.proxy.poison = "too much"
    ids = check.track(4) + check.track(1, properties={"text": "too much"}) + check.track(5)
    check.once("one that never fits takes no other with it", ids[:4] + ids[5:])
    check.eventually("and the page hears of it", lambda: check.js("return lost") == [["body_too_large", ids[4]]])
    check.eventually("it is not kept", lambda: not check.waiting())


def told_to_wait(check):
    for status in (429, 503):
        check.fresh()
        check.visit()
        check.proxy.answers = [(status, {"Retry-After": "3"}, {"status": status, "code": "later"})]
        ids = check.track(10)
        check.wait(lambda: check.stored().get("gv:hold"))
        more = check.track(10)
        check.holds(f"after {status} nothing is sent meanwhile", len(check.proxy.requests) == 1, check.proxy.requests)
        check.once("and later everything, once", ids + more)
        first, second = check.proxy.requests[:2]
        check.holds("no earlier than it was told", second["began"] - first["ended"] >= 2.9,
                    second["began"] - first["ended"])


def storm(check):
    """Pages come and go in two tabs while a third of the requests fail, and the line now and then."""
    seed = random.randrange(1 << 32)
    check.visit()
    check.driver.switch_to.new_window("tab")
    check.proxy.weather = random.Random(seed)
    ids = []
    for number in range(12):
        for window in check.driver.window_handles:
            check.driver.switch_to.window(window)
            check.visit(f"/page-{number}")
            check.driver.set_network_conditions(offline=number % 4 == 1, latency=0, throughput=-1)
            ids += check.track(check.proxy.weather.randrange(1, 8))
            check.driver.delete_network_conditions()
    check.driver.close()
    check.driver.switch_to.window(check.driver.window_handles[0])
    check.visit("/last")
    check.proxy.weather = None
    check.once(f"a storm of seed {seed}: {len(ids)} events of 24 pages, each once", ids)
    carried = sum(len(request["events"]) for request in check.proxy.requests)
    check.eventually(f"and none is kept ({len(check.proxy.requests)} requests with {carried} events)",
                     lambda: not check.waiting())


def killed_service(check):
    """event-service is killed under the load of two pages; the gateway answers meanwhile."""
    if not check.options.event_pid_file:
        return
    check.visit()
    ids = []
    for _ in range(4):
        ids += check.track(20)
        os.kill(int(check.options.event_pid_file.read_text()), signal.SIGKILL)
        ids += check.track(3)
        check.wait(lambda: len(check.waiting()) < 10)
    check.once("event-service is killed four times, every event once", ids)
    check.holds("what the gateway answered meanwhile was understood",
                {request["status"] for request in check.proxy.requests} > {202}
                and check.js("return grapevine.version"), [request["status"] for request in check.proxy.requests])


def refused_for_good(check):
    check.visit(key=check.new_key(["https://elsewhere.example"]))
    check.js("window.stops = []; grapevine.on('stopped', (what) => stops.push(what))")
    check.track(10)
    check.eventually("a key of other pages is refused by the server, and the page hears of it",
                     lambda: check.js("return stops") == [{"status": 403, "code": "origin_not_allowed"}])
    check.track(20)
    check.driver.execute_async_script("grapevine.flush().then(arguments[0])")
    check.holds("it is not asked again", len(check.proxy.requests) == 1, len(check.proxy.requests))
    check.fresh()
    check.visit()
    check.js("window.lost = []; grapevine.on('dropped', (what) => lost.push([what.code, what.event.event]))")
    ids = check.track(5) + check.track(1, "reward.fulfilled") + check.track(4)
    check.once("an event that the server rejects takes no other with it", ids[:5] + ids[6:])
    check.eventually("the page hears why", lambda: check.js("return lost") == [["reserved_event", "reward.fulfilled"]])
    check.holds("and it is not sent again", not check.waiting(), check.stored())


def loops(check):
    check.visit()
    check.js("window.lost = []; grapevine.on('dropped', (what) => lost.push(what.code))")
    ids = [one for one in check.track(1000) if one]
    check.holds(f"a loop of 1000 is stopped after {len(ids)}", 100 <= len(ids) <= 120, len(ids))
    check.once("what was taken is in the log once", ids)
    check.holds("what was not, the page hears of", check.js("return lost").count("too_many") == 1000 - len(ids))


def full_queue(check):
    check.visit()
    check.js("window.lost = []; grapevine.on('dropped', (what) => lost.push(what.code))")
    check.proxy.answers = [(503, {"Retry-After": "4"}, {"status": 503})]
    check.track(10)
    check.wait(lambda: check.stored().get("gv:hold"))
    ids = check.track(80, properties={"text": "x" * 4000})
    lost = check.js("return lost").count("queue_full")
    kept = sum(len(value) for name, value in check.stored().items() if name.startswith("gv:e:"))
    check.holds(f"the queue stays below its limit ({kept} bytes)", lost > 0 and kept <= 256 << 10, (lost, kept))
    check.once("the newest are kept and sent", ids[-50:])
    session = check.logged(ids[-1])["context"]["session_id"]
    numbers = [event["context"]["sequence"] for event in check.log.read()
               if event.get("context", {}).get("session_id") == session]
    check.holds("the gaps in the numbers are the events lost", max(numbers) - len(set(numbers)) == lost, (lost, len(numbers)))


PARTS = (lost_answers, split, told_to_wait, storm, killed_service, refused_for_good, loops, full_queue)
