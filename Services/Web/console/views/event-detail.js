// One event of the log: what it says, and its way from the log to the services that act on it.

import { h, fill } from "../dom.js";
import * as api from "../api.js";
import { dateTime, shortID, words } from "../format.js";
import { failure, waiting } from "./states.js";

/** How often the way is looked at again while it is not at its end. */
const againMilliseconds = 2_000;
const archives = {
  stored: ["done", "In ClickHouse", "Dashboards count it."],
  waiting: ["open", "On its way to ClickHouse", "It is sent with the next batch."],
  unknown: ["unknown", "ClickHouse does not answer", "It is brought there as soon as it does."],
};

export async function eventDetail(place, position, signal) {
  fill(place, waiting(5));
  while (!signal.aborted) {
    try {
      const event = await api.event(position, signal);
      if (signal.aborted) return;
      draw(place, event);
      if (isAtEnd(event.way)) return;
    } catch (error) {
      if (!signal.aborted) fill(place, failure(error, () => eventDetail(place, position, signal)));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, againMilliseconds));
  }
}

const isAtEnd = ({ subscribers, archive, runs }) =>
  subscribers.every((subscriber) => subscriber.has_passed) && archive === "stored" && runs.is_known
  && runs.data.every((run) => run.status !== "running");

function draw(place, event) {
  // What one has opened stays open.
  const open = new Set([...place.querySelectorAll("details[open]")].map((part) => part.dataset.name));
  fill(place, facts(event), h("h3", "Its way"), way(event), json("Properties", event.properties, true), json("Context", event.context), json("All of it", { ...event, way: undefined }));
  for (const part of place.querySelectorAll("details")) if (open.has(part.dataset.name)) part.open = true;
}

function facts(event) {
  const rows = [
    ["Id", event.event_id], ["Person", event.participant?.external_id], ["Visitor", event.participant?.anonymous_id],
    ["Trust", words(event.trust)], ["Subject", event.subject], ["Campaign", event.campaign_id && shortID(event.campaign_id)],
    ["Happened", dateTime(event.occurred_at)],
  ];
  return factList(rows);
}

/** Names and values; what is not there is left out. */
export const factList = (rows) =>
  h("dl.fact-list", rows.filter(([, value]) => value).map(([name, value]) => [h("dt", name), h("dd", value)]));

function way(event) {
  const { subscribers, archive, runs } = event.way;
  const behind = subscribers.filter((subscriber) => !subscriber.has_passed);
  const [kind, title, hint] = archives[archive];
  return h(
    "ol.way",
    stop("done", "Received", dateTime(event.received_at)),
    stop("done", "In the log", `${event.committed_at ? dateTime(event.committed_at) : ""} · position ${event.position}`),
    stop(
      behind.length ? "open" : "done", behind.length ? `${behind.length} of ${subscribers.length} services are not there yet` : "Passed by every service",
      h("ul.chips", subscribers.map((subscriber) =>
        h(`li.chip.${subscriber.has_passed ? "done" : "open"}`, { title: `at ${subscriber.position}, moved ${dateTime(subscriber.updated_at)}` },
          subscriber.name, h("span.hidden", subscriber.has_passed ? ", has passed" : ", not there yet")))),
    ),
    stop(runs.is_known ? "done" : "unknown", runTitle(runs), runs.data.length > 0 && h("ul.runs", runs.data.map(run))),
    stop(kind, title, hint),
  );
}

const stop = (kind, title, detail) => h(`li.stop.${kind}`, h("strong", title), detail && h("div.detail", detail));

function runTitle({ is_known: isKnown, data }) {
  if (!isKnown) return "What it started is not known just now";
  if (!data.length) return "Started no campaign run";
  return data.length === 1 ? "Started a campaign run" : `Started ${data.length} campaign runs`;
}

const run = ({ run_id: id, campaign_id: campaign, pulse, status, outcome }) =>
  h("li", h("a", { href: `#/campaigns/${campaign}` }, `${words(pulse)} run`), ` ${shortID(id)}: ${words(outcome ?? status)}`);

export function json(name, value, isOpen = false) {
  if (value === undefined || value === null || (typeof value === "object" && !Object.keys(value).length)) return null;
  const part = h("details", { open: isOpen }, h("summary", name), h("pre", { tabindex: "0", "aria-label": name }, JSON.stringify(value, null, 2)));
  part.dataset.name = name;
  return part;
}
