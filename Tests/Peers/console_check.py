"""Walks through the console in headless Chromium, with the keyboard, against a running stack.

usage: console_check.py --url http://127.0.0.1:8080 --email owner@demo.example --password-file F
                        --secret-key gv_sk_... [--screenshots DIRECTORY] [--report FILE]

Exits with 0 when every check holds; prints one line per check. The report gets "<passed> <failed>".
"""

import argparse
import datetime
import json
import pathlib
import sys
import time
import urllib.request
import uuid

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

DEADLINE_SECONDS = 20
HOSTILE_NAME = "<img src=x onerror=document.title='owned'> & co"


class Check:
    def __init__(self, options):
        self.options = options
        self.passed = 0
        self.failed = 0
        chrome = webdriver.ChromeOptions()
        chrome.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
            chrome.add_argument(argument)
        chrome.add_argument("--window-size=1360,1000")
        chrome.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService("/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(options=chrome, service=service)

    def holds(self, what, condition, detail=""):
        print(f"  {'ok   ' if condition else 'WRONG'} {what}{'' if condition else f': {detail}'}", flush=True)
        self.failed += 0 if condition else 1
        self.passed += 1 if condition else 0

    def eventually(self, what, condition):
        """Asks until it holds; `condition` gives a truthy value."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        value = None
        while time.monotonic() < deadline:
            try:
                value = condition()
            except Exception as error:  # an element that is not there yet
                value = None
                detail = error.__class__.__name__
            else:
                detail = repr(value)
            if value:
                break
            time.sleep(0.1)
        self.holds(what, bool(value), detail)
        return value

    def shot(self, name):
        if self.options.screenshots:
            self.driver.save_screenshot(str(self.options.screenshots / f"{name}.png"))

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    @property
    def focused(self):
        return self.driver.switch_to.active_element

    def post(self, path, body, key=None):
        request = urllib.request.Request(
            self.options.url + path, json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.options.secret_key}"})
        if key:
            request.add_header("Idempotency-Key", key)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    # The walk

    def sign_in(self):
        self.driver.get(self.options.url + "/console/")
        self.eventually("the sign-in page has the focus in its first field", lambda: self.focused.get_attribute("name") == "email")
        self.shot("1-sign-in")
        self.focused.send_keys(self.options.email + Keys.TAB)
        self.focused.send_keys("not the password" + Keys.ENTER)
        self.eventually("a wrong password is told in words", lambda: len(self.text(".message")) > 10)
        self.shot("2-refused")
        password = self.options.password_file.read_text().strip()
        self.focused.send_keys(Keys.CONTROL + "a")
        self.focused.send_keys(password + Keys.ENTER)
        self.eventually("the right one opens the overview", lambda: self.text("h1") == "All campaigns")

    def overview(self):
        self.eventually("the figures are there", lambda: len(self.all(".figure strong")) >= 4)
        self.eventually("the live stream is open", lambda: self.text(".live-state") == "Live")
        self.eventually("the funnel, the hours and the leaderboard are drawn",
                        lambda: len(self.all(".funnel li")) == 4 and self.all(".chart .line") and self.all("tbody tr"))
        self.shot("3-overview")

    def live_event(self):
        person = f"console-{uuid.uuid4().hex[:8]}"
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        self.post("/v1/sdk/events", {"events": [{
            "event": "page_viewed", "event_id": person, "participant_id": person,
            "occurred_at": now.replace("+00:00", "Z")}]})
        self.eventually("an event shows up while one looks", lambda: person in self.text(".events"))
        self.shot("4-live")

    def campaign(self):
        created = self.post("/v1/portal/campaigns", {
            "name": HOSTILE_NAME, "pulse": "signup",
            "reward_rules": [{"rule_id": "welcome", "recipient": "participant", "kind": "credit",
                              "amount": {"units": "100", "asset": "USD"}}],
            "budget": {"units": "1000", "asset": "USD"}}, key=uuid.uuid4().hex)
        self.driver.refresh()
        self.eventually("a reload keeps one signed in", lambda: self.text("h1") == "All campaigns")
        link = f".campaigns a[href$='{created['campaign_id']}']"
        self.eventually("a new campaign is in the list", lambda: self.all(link))
        for _ in range(60):
            if (self.focused.get_attribute("href") or "").endswith(created["campaign_id"]):
                break
            self.focused.send_keys(Keys.TAB)
        self.focused.send_keys(Keys.ENTER)
        self.eventually("the keyboard alone opens it; its name is shown as text", lambda: self.text("h1") == HOSTILE_NAME)
        self.holds("nothing in the name was run", self.driver.title != "owned", self.driver.title)
        self.eventually("an empty campaign says so", lambda: "No referral yet" in self.text(".grid"))
        self.shot("5-empty-campaign")

    def looks(self):
        self.driver.get(self.options.url + "/console/")
        self.eventually("the overview is back", lambda: len(self.all(".figure strong")) >= 4)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        self.shot("6-dark")
        self.driver.set_window_size(500, 1000)
        overflow = self.driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.holds("nothing sticks out on a narrow screen", overflow <= 0, f"{overflow} px")
        self.shot("7-narrow")

    def sign_out(self):
        self.driver.find_element(By.CSS_SELECTOR, ".account button").send_keys(Keys.ENTER)
        self.eventually("signing out leads to the sign-in page", lambda: self.all("form.sign-in"))
        self.driver.refresh()
        self.eventually("and a reload does not undo it", lambda: self.all("form.sign-in"))

    def run(self):
        try:
            for part in (self.sign_in, self.overview, self.live_event, self.campaign, self.looks, self.sign_out):
                part()
            # Refused sign-ins and renewals are answers, not faults; scripts and policies must be silent.
            loud = [entry["message"] for entry in self.driver.get_log("browser")
                    if entry["level"] == "SEVERE" and "/auth/sessions" not in entry["message"]]
            self.holds("the browser complains of nothing", not loud, loud)
        finally:
            self.driver.quit()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--email", required=True)
    parser.add_argument("--password-file", required=True, type=pathlib.Path)
    parser.add_argument("--secret-key", required=True)
    parser.add_argument("--screenshots", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    check = Check(options)
    try:
        check.run()
    finally:
        if options.report:
            options.report.write_text(f"{check.passed} {check.failed}\n")
    sys.exit(1 if check.failed else 0)


main()
