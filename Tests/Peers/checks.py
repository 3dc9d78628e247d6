"""What the checks of outside clients have in common: counting, waiting, the report, a browser."""

import sys
import time

from selenium import webdriver

DEADLINE_SECONDS = 30


class Checks:
    """Counts what holds and prints a line for each."""

    # What may go wrong while something is waited for, such as an element that is not there yet.
    passing = (Exception,)

    def __init__(self, options):
        self.options = options
        self.passed = 0
        self.failed = 0
        if getattr(options, "screenshots", None):
            options.screenshots.mkdir(parents=True, exist_ok=True)

    def holds(self, what, condition, detail=""):
        print(f"  {'ok   ' if condition else 'WRONG'} {what}{'' if condition else f': {detail}'}", flush=True)
        self.failed += 0 if condition else 1
        self.passed += 1 if condition else 0

    def wait(self, condition):
        """Asks until it holds or the time is over; answers with the last value and what it was."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                value = condition()
                detail = repr(value)
            except self.passing as error:
                value, detail = None, f"{error.__class__.__name__}: {str(error)[:200]}"
            if value or time.monotonic() > deadline:
                return value, detail
            time.sleep(0.1)

    def eventually(self, what, condition):
        value, detail = self.wait(condition)
        self.holds(what, bool(value), detail)
        return value

    def finish(self, walk):
        """Walks, writes "<passed> <failed>" into the report whatever comes, and ends the program."""
        try:
            walk()
        finally:
            if self.options.report:
                self.options.report.write_text(f"{self.passed} {self.failed}\n")
        sys.exit(1 if self.failed else 0)


def chromium(size, preferences=None, **settings):
    """Debian's Chromium without a window; what pages write to the console can be read."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for name, value in settings.items():
        setattr(options, name, value)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", f"--window-size={size}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if preferences:
        options.add_experimental_option("prefs", preferences)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
