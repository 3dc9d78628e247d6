// What is in the log, newest first, as it comes; can be held, and narrowed to a type or a person.

import { h, fill } from "../dom.js";
import * as api from "../api.js";
import { followStream } from "../live.js";
import { count, timeOfDay } from "../format.js";
import { eventDetail } from "./event-detail.js";
import { failure, nothing, waiting } from "./states.js";

/** More than a person reads; older ones leave the page. */
const most = 200;
const atOnce = 50;
const states = { connecting: "Connecting…", live: "Live", waiting: "Reconnecting…" };

/** Calls `onRejected` at every event that was not taken. */
export function loggedEvents(details, signal, onRejected) {
  const state = h("span.live-state", { role: "status" });
  const hold = h("button", { type: "button", "aria-pressed": "false", onclick: () => setHeld(!held) }, "Pause");
  const missed = h("button.quiet", { type: "button", hidden: true, onclick: () => setHeld(false) });
  const list = h("ol.rows", { "aria-label": "Events in the log, newest first" });
  const body = h("div.list");
  const more = h("button.quiet", { type: "button", hidden: true, onclick: () => loadMore() }, "Show older ones");
  const type = field("Type", "event", "purchase_completed");
  const person = field("Person", "participant", "user-42");
  const messages = h("input", { type: "checkbox", name: "messages", onchange: () => start() });
  const form = h(
    "form.filters", { role: "search", "aria-label": "Narrow the events", onsubmit: (event) => (event.preventDefault(), start()) },
    type.element, person.element, h("label.check", messages, "Grapevine's own too"), h("button", { type: "submit" }, "Filter"),
    h("span.grow"), missed, hold, state,
  );
  let held = false;
  let pending = [];
  let drawing = false;
  let older = null;
  let session = null;

  const filter = () => ({ event: type.value(), participant: person.value(), messages: messages.checked ? "true" : "" });

  /** Begins anew with what is asked for. */
  async function start() {
    session?.abort();
    session = new AbortController();
    signal.addEventListener("abort", () => session.abort(), { once: true });
    const own = session.signal;
    pending = [];
    list.replaceChildren();
    fill(body, waiting(6));
    more.hidden = true;
    try {
      const { data, next_cursor: next } = await api.events({ ...filter(), limit: atOnce }, own);
      if (own.aborted) return;
      list.append(...data.map(row));
      show(next);
      followStream(api.eventStream(filter()), data[0]?.position ?? null, { signal: own, onState, onMessage });
    } catch (error) {
      if (!own.aborted) fill(body, failure(error, start));
    }
  }

  async function loadMore() {
    more.disabled = true;
    try {
      const { data, next_cursor: next } = await api.events({ ...filter(), limit: atOnce, cursor: older }, session.signal);
      list.append(...data.map(row));
      show(next);
    } catch (error) {
      if (!session.signal.aborted) fill(body, list, failure(error, loadMore));
    }
    more.disabled = false;
  }

  function show(next) {
    older = next;
    more.hidden = !next;
    if (list.children.length) fill(body, list);
    else fill(body, nothing("Nothing yet", next ? "Nothing fits among the latest. Look further back, or wait for the next." : "It shows up here the moment it is in the log."));
  }

  function onState(name) {
    state.className = `live-state ${name}`;
    fill(state, states[name]);
  }

  function onMessage(name, data) {
    if (name === "rejected") return onRejected(data);
    if (name === "skipped") pending.push({ skipped: data.count });
    else pending.push(data);
    if (pending.length > most) pending.shift();
    if (held) return tellMissed();
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(draw);
  }

  function draw() {
    drawing = false;
    const known = new Set([...list.children].slice(0, most).map((item) => item.dataset.position));
    const fresh = pending.splice(0).filter((event) => !known.has(event.position));
    if (!fresh.length) return;
    list.prepend(...fresh.reverse().map((event) => ("skipped" in event ? gap(event.skipped) : row(event))));
    // What one has asked for by name stays.
    while (list.children.length > most && !more.dataset.used) list.lastChild.remove();
    if (!list.isConnected) fill(body, list);
  }

  function setHeld(next) {
    held = next;
    hold.setAttribute("aria-pressed", String(held));
    fill(hold, held ? "Go on" : "Pause");
    tellMissed();
    if (!held) draw();
  }

  function tellMissed() {
    missed.hidden = !held || !pending.length;
    fill(missed, `${pending.length >= most ? "Many" : count(pending.length)} new – show`);
  }

  function row(event) {
    const open = (click) => details.open(event.event, click.currentTarget, (place, own) => eventDetail(place, event.position, own));
    const item = h(
      "li",
      h(
        "button.row", { type: "button", onclick: open },
        h("time", { datetime: event.received_at }, timeOfDay(event.received_at)),
        h("span.name", event.event), h("span.who", who(event)), h("span.id", event.event_id), h(`span.trust.${event.trust}`, trusts[event.trust]),
      ),
    );
    item.dataset.position = event.position;
    return item;
  }

  start();
  return { element: h("div.events-list", form, body, more) };
}

export const trusts = { browser: "browser", signed_user: "signed", server: "server", webhook: "webhook", internal: "Grapevine" };

const gap = (skipped) => h("li.gap", skipped === null ? "Some events are not shown." : `${count(skipped)} more events in this second are not shown.`);

const who = ({ participant }) => participant?.external_id ?? (participant?.anonymous_id ? `visitor ${participant.anonymous_id}` : "nobody");

/** A labelled text field that keeps nothing but what it says. */
export function field(label, name, example) {
  const input = h("input", { name, placeholder: example, autocomplete: "off", spellcheck: "false", maxlength: 200 });
  return { element: h("label", h("span", label), input), value: () => input.value.trim(), input };
}
