// What was not taken, and why; can be searched, and sent again after a fix.

import { h, fill } from "../dom.js";
import * as api from "../api.js";
import { count, dateTime, shortID, timeOfDay, words } from "../format.js";
import { field, trusts } from "./event-list.js";
import { factList } from "./event-detail.js";
import { failure, nothing, waiting } from "./states.js";

const atOnce = 50;
const fronts = { native: "Events API", segment: "Segment", posthog: "PostHog", cloudevents: "CloudEvents", webhook: "Webhook" };
/** Many that come at a time are drawn together. */
const drawMilliseconds = 800;

/** `onCount` hears how many there are that are not in the log. */
export function rejectedEvents(details, signal, onCount) {
  const list = h("ol.rows", { "aria-label": "Events that were not taken, newest first" });
  const body = h("div.list");
  const reasons = h("div.reasons", { role: "group", "aria-label": "Reasons" });
  const more = h("button.quiet", { type: "button", hidden: true, onclick: () => load(true) }, "Show older ones");
  const note = h("p.note", { role: "status" });
  const text = field("Search in what was sent", "text", "order-1001");
  const type = field("Type", "event", "purchase_completed");
  const from = h("input", { type: "datetime-local", name: "from" });
  const to = h("input", { type: "datetime-local", name: "to" });
  const state = h(
    "select", { name: "state", onchange: () => load() },
    h("option", { value: "open" }, "Not in the log"), h("option", { value: "replayed" }, "Sent again since"), h("option", { value: "" }, "All"));
  const replayAll = h("button", { type: "button", onclick: () => sendSome() }, "Send these again");
  const form = h(
    "form.filters", { role: "search", "aria-label": "Search what was not taken", onsubmit: (event) => (event.preventDefault(), load()) },
    h("label", h("span", "State"), state), text.element, type.element, h("label", h("span", "From"), from), h("label", h("span", "Until"), to),
    h("button", { type: "submit" }, "Search"), h("span.grow"), replayAll,
  );
  let code = "";
  let older = null;
  let timer = null;
  let isOpen = false;

  const filter = () => ({ text: text.value(), event: type.value(), code, from: instant(from), to: instant(to) });

  async function load(continues = false) {
    if (!continues && !list.isConnected) fill(body, waiting(4));
    try {
      const cursor = continues ? older : undefined;
      const { data, next_cursor: next } = await api.rejections({ ...filter(), state: state.value, limit: atOnce, cursor }, signal);
      older = next;
      more.hidden = !next;
      if (continues) list.append(...data.map(row));
      else list.replaceChildren(...data.map(row));
      replayAll.disabled = state.value === "replayed" || !list.children.length;
      if (list.children.length) fill(body, list);
      else fill(body, nothing("Nothing here", "Events that are not taken show up with the reason, and are kept for a week."));
    } catch (error) {
      if (!signal.aborted) fill(body, failure(error, () => load(continues)));
    }
  }

  async function loadReasons() {
    try {
      const { data } = await api.rejectionReasons(signal);
      const sums = new Map();
      for (const reason of data) sums.set(reason.code, (sums.get(reason.code) ?? 0) + reason.count);
      onCount([...sums.values()].reduce((sum, one) => sum + one, 0));
      fill(reasons, [...sums].map(([name, number]) =>
        h("button.chip", { type: "button", "aria-pressed": String(code === name), onclick: () => choose(name) }, words(name), h("span.number", count(number)))));
    } catch (error) {
      if (!signal.aborted) fill(reasons, failure(error, loadReasons));
    }
  }

  function choose(name) {
    code = code === name ? "" : name;
    for (const chip of reasons.children) chip.setAttribute("aria-pressed", String(chip.firstChild.textContent === words(code)));
    load();
  }

  function row(event) {
    const open = (click) => details.open(words(event.code), click.currentTarget, (place, own) => detail(place, event.rejection_id, own, changed));
    return h(
      "li",
      h(
        "button.row", { type: "button", onclick: open },
        h("time", { datetime: event.received_at, title: dateTime(event.received_at) }, timeOfDay(event.received_at)),
        h("span.name", event.event ?? "unreadable"), h("span.reason", event.detail),
        h("span.id", event.event_id ?? ""), event.replay ? h(`span.trust.${event.replay.status}`, replays[event.replay.status]) : h("span.trust", fronts[event.front]),
      ),
    );
  }

  async function sendSome() {
    const { text: searched, ...rest } = Object.fromEntries(Object.entries(filter()).filter(([, value]) => value));
    replayAll.disabled = true;
    try {
      const answer = await api.replaySome({ ...rest, ...(searched && { text: searched }), limit: 200 }, crypto.randomUUID());
      fill(note, summary(answer));
      changed();
    } catch (error) {
      fill(note, failure(error, sendSome));
    }
    replayAll.disabled = false;
  }

  function changed() {
    load();
    loadReasons();
  }

  loadReasons();
  return {
    element: h("div.rejected-list", reasons, form, note, body, more),
    opened() {
      isOpen = true;
      load();
    },
    /** One was just not taken. */
    arrived() {
      clearTimeout(timer);
      timer = setTimeout(() => !signal.aborted && (isOpen ? changed() : loadReasons()), drawMilliseconds);
    },
  };
}

const replays = { accepted: "sent again", duplicate: "in the log", conflict: "id taken", rejected: "failed again" };

function summary({ accepted, duplicate, conflict, rejected, results }) {
  if (!results.length) return "Nothing of this can be sent again.";
  const parts = [[accepted, "taken"], [duplicate, "in the log already"], [conflict, "with an id that another event has"], [rejected, "not taken again"]];
  return `${parts.filter(([number]) => number).map(([number, name]) => `${count(number)} ${name}`).join(", ")}.`;
}

async function detail(place, id, signal, onChange) {
  fill(place, waiting(4));
  try {
    const event = await api.rejection(id, signal);
    if (signal.aborted) return;
    const note = h("div", { role: "status" });
    const isDone = ["accepted", "duplicate"].includes(event.replay?.status);
    const send = h("button.primary", { type: "button", disabled: event.is_cut || isDone, onclick: () => again() }, "Send again");
    async function again() {
      send.disabled = true;
      try {
        const { results } = await api.replayOne(id, crypto.randomUUID());
        onChange();
        if (!signal.aborted) await detail(place, id, signal, onChange);
        if (signal.aborted) return;
        const replay = results[0]?.replay;
        const isTaken = ["accepted", "duplicate"].includes(replay?.status);
        place.querySelector("[role=status]")?.append(h(`p.note${isTaken ? "" : ".bad"}`, outcome(replay)));
        // The button with the focus was drawn anew.
        document.getElementById("drawer-title")?.focus();
      } catch (error) {
        if (signal.aborted) return;
        send.disabled = false;
        fill(note, failure(error, again));
      }
    }
    fill(
      place,
      h("div.why", h("strong", event.detail), event.pointer && h("code", event.pointer)),
      factList([
        ["Reason", event.code], ["Type", event.event], ["Id", event.event_id], ["Came by", fronts[event.front]], ["Key", event.key_id && shortID(event.key_id)],
        ["Webhook source", event.source_id && shortID(event.source_id)], ["Trust", trusts[event.trust]], ["Received", dateTime(event.received_at)],
        ["Size", `${count(event.size_bytes)} bytes`], ["Sent again", event.replay && `${dateTime(event.replay.at)}: ${outcome(event.replay)}`],
      ]),
      h("div.actions", send, h("span.quiet", hint(event, isDone))), note,
      h("h3", event.is_cut ? "The beginning of what was sent" : "What was sent"), h("pre", { tabindex: "0", "aria-label": "What was sent" }, pretty(event.body)),
    );
  } catch (error) {
    if (!signal.aborted) fill(place, failure(error, () => detail(place, id, signal, onChange)));
  }
}

function hint(event, isDone) {
  if (isDone) return "It is in the log now.";
  if (event.is_cut) return "Only its beginning is kept; send it anew.";
  return "It is checked as every event is now.";
}

function outcome(replay) {
  if (!replay) return "";
  if (replay.status === "accepted") return `taken, at ${replay.position}`;
  if (replay.status === "duplicate") return `in the log already, at ${replay.position}`;
  return replay.detail ?? words(replay.status);
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

/** What a date field says, as the API reads it. */
const instant = (input) => (input.value ? new Date(input.value).toISOString() : "");
