// Starts the console: finds out who is signed in, then shows the page that the address names.

import { h, fill } from "./dom.js";
import * as session from "./session.js";
import { frame } from "./frame.js";
import { signInPage } from "./views/sign-in.js";
import { eventsPage } from "./views/events.js";
import { overviewPage } from "./views/overview.js";

const app = document.getElementById("app");
let leaving = null;

/** `#/campaigns/cmp_…` → that campaign; `#/events` → the events; anything else → all campaigns. */
function route() {
  const [, id] = /^#\/campaigns\/(cmp_[0-9a-z]+)$/.exec(location.hash) ?? [];
  return { page: /^#\/events\b/.test(location.hash) ? "events" : "campaigns", campaignID: id ?? null };
}

function show() {
  leaving?.abort();
  leaving = new AbortController();
  if (!session.current()) {
    document.title = "Sign in · Grapevine";
    fill(app, signInPage());
    app.querySelector("input")?.focus();
    return;
  }
  const { page, campaignID } = route();
  const main = h("main.content", { id: "content", tabindex: "-1" });
  fill(app, frame(page, campaignID, leaving.signal), main);
  if (page === "events") eventsPage(main, leaving.signal);
  else overviewPage(main, campaignID, leaving.signal);
}

let signedIn = false;
session.onChange((next) => {
  // A renewed token is no reason to draw the page anew.
  if (signedIn === Boolean(next)) return;
  signedIn = Boolean(next);
  show();
});
addEventListener("hashchange", (event) => {
  if (new URL(event.newURL).hash === "#content") {
    document.getElementById("content")?.focus();
    return;
  }
  show();
  document.getElementById("content")?.focus();
});

fill(app, h("p.starting", { role: "status" }, "Starting…"));
if (!(await session.refresh())) show();
