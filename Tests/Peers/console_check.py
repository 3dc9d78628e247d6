"""Walks through the console in headless Chromium, with the keyboard, against a running stack.

usage: console_check.py --url http://127.0.0.1:8080 --email owner@demo.example --password-file F
                        --secret-key gv_sk_... [--screenshots DIRECTORY] [--report FILE]

Exits with 0 when every check holds; prints one line per check. The report gets "<passed> <failed>".
"""

import argparse
import datetime
import json
import pathlib
import urllib.request
import uuid

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from checks import Checks, chromium

HOSTILE_NAME = "<img src=x onerror=document.title='owned'> & co"


class Check(Checks):
    def __init__(self, options):
        super().__init__(options)
        self.driver = chromium("1360,1000")

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

    def send(self, identifier, person, event="page_viewed", **more):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        told = {"event": event, "event_id": identifier, "occurred_at": now.replace("+00:00", "Z"), **more}
        if person:
            told["participant_id"] = person
        return self.post("/v1/sdk/events", {"events": [told]})

    def tab_to(self, found):
        """Presses Tab until the element with the focus is the wanted one."""
        for _ in range(80):
            if found(self.focused):
                return True
            self.focused.send_keys(Keys.TAB)
        return False

    def events(self):
        """The page of events: what comes, its way, holding, narrowing."""
        self.driver.get(self.options.url + "/console/")
        self.eventually("the link to the events is there", lambda: self.all("nav a[href='#/events']"))
        self.tab_to(lambda element: (element.get_attribute("href") or "").endswith("#/events"))
        self.focused.send_keys(Keys.ENTER)
        self.eventually("the keyboard opens the events", lambda: self.text("h1") == "Events")
        self.eventually("they come live", lambda: self.text("#panel-log .live-state") == "Live")
        person = f"console-{uuid.uuid4().hex[:8]}"
        self.send(f"{person}-1", person, properties={"note": HOSTILE_NAME})
        row = "#panel-log .row"
        self.eventually("an event is in the list while one looks", lambda: f"{person}-1" in self.text("#panel-log .rows"))
        self.tab_to(lambda element: element.tag_name == "button" and f"{person}-1" in element.text)
        self.focused.send_keys(Keys.ENTER)
        self.eventually("Enter shows its way, which ends in ClickHouse", lambda: "In ClickHouse" in self.text(".way"))
        self.eventually("every service has passed it", lambda: "Passed by every service" in self.text(".way"))
        self.holds("what it says is shown as text", HOSTILE_NAME in self.text(".drawer pre") and self.driver.title != "owned", self.text(".drawer pre"))
        self.shot("8-event")
        self.focused.send_keys(Keys.ESCAPE)
        self.eventually("Escape leads back to its row", lambda: self.focused.tag_name == "button" and f"{person}-1" in self.focused.text and not self.all(".drawer:not([hidden])"))
        hold = self.driver.find_element(By.CSS_SELECTOR, "#panel-log [aria-pressed]")
        hold.send_keys(Keys.ENTER)
        self.send(f"{person}-2", person)
        self.eventually("a list that is held tells what came", lambda: "new" in self.text("#panel-log .filters"))
        self.holds("and does not move", f"{person}-2" not in self.text("#panel-log .rows"))
        hold.send_keys(Keys.ENTER)
        self.eventually("it goes on", lambda: f"{person}-2" in self.text("#panel-log .rows"))
        field = self.driver.find_element(By.NAME, "participant")
        field.send_keys(person + Keys.ENTER)
        self.eventually("a person's events alone are shown", lambda: len(self.all(row)) == 2 and self.text("#panel-log .live-state") == "Live")
        self.eventually("the volumes count them", lambda: "page_viewed" in self.text(".volumes"))
        self.shot("9-events")
        return person

    def rejected(self, person):
        """What was not taken: told live, found, explained, sent again."""
        # Nobody's doing: refused until somebody is named.
        self.send(f"{person}-3", None, properties={"note": HOSTILE_NAME, "order": person})
        tab = self.driver.find_element(By.ID, "tab-log")
        tab.send_keys(Keys.ARROW_RIGHT)
        self.eventually("the arrow key leads to what was rejected", lambda: self.focused.get_attribute("id") == "tab-rejected")
        self.eventually("its number is told", lambda: int(self.text("#tab-rejected .count")) >= 1)
        self.eventually("a rejected event is in the list with its reason",
                        lambda: f"{person}-3" in self.text("#panel-rejected .rows") and "Say who it was" in self.text("#panel-rejected .rows"))
        search = self.driver.find_element(By.NAME, "text")
        search.send_keys(person + Keys.ENTER)
        self.eventually("a search finds it by what was sent", lambda: len(self.all("#panel-rejected .row")) == 1)
        self.driver.find_element(By.CSS_SELECTOR, "#panel-rejected .row").send_keys(Keys.ENTER)
        self.eventually("it is shown as it was sent", lambda: f"{person}-3" in self.text(".drawer pre"))
        self.driver.find_element(By.CSS_SELECTOR, ".drawer button.primary").send_keys(Keys.ENTER)
        self.eventually("sent again it is told why it still fails", lambda: "Say who it was" in self.text(".drawer .note"))
        self.shot("10-rejected")
        self.focused.send_keys(Keys.ESCAPE)
        self.eventually("the list says that it failed again", lambda: "failed again" in self.text("#panel-rejected .rows"))
        self.shot("11-rejected-list")

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
        self.driver.get(self.options.url + "/console/#/events")
        self.eventually("the events are there on a narrow screen", lambda: self.all("#panel-log .row"))
        overflow = self.driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.holds("nothing of them sticks out", overflow <= 0, f"{overflow} px")
        self.shot("12-narrow-events")

    def sign_out(self):
        self.driver.find_element(By.CSS_SELECTOR, ".account button").send_keys(Keys.ENTER)
        self.eventually("signing out leads to the sign-in page", lambda: self.all("form.sign-in"))
        self.driver.refresh()
        self.eventually("and a reload does not undo it", lambda: self.all("form.sign-in"))

    def run(self):
        try:
            for part in (self.sign_in, self.overview, self.live_event, self.campaign):
                part()
            self.rejected(self.events())
            self.looks()
            self.sign_out()
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
    check = Check(parser.parse_args())
    check.finish(check.run)


main()
