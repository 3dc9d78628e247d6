// What happens right now, newest first.

import { h, fill } from "../dom.js";
import { follow } from "../live.js";
import { amount, shortID, timeOfDay, words } from "../format.js";
import { nothing } from "./states.js";

/** More than a person reads; older ones leave the page. */
const most = 30;
const states = { connecting: "Connecting…", live: "Live", waiting: "Reconnecting…" };

/** Calls `onActivity` at every event, so that the figures can follow. */
export function livePanel(campaignID, signal, onActivity) {
  const state = h("span.live-state", { role: "status" });
  const list = h("ol.events", { "aria-label": "Latest events, newest first" });
  const body = h("div.body", nothing("Waiting for the first event", "It shows up here the moment it is in the log."));
  const waiting = [];
  let drawing = false;
  follow(campaignID, {
    signal,
    onState: (name) => {
      state.className = `live-state ${name}`;
      fill(state, states[name]);
    },
    onEvent: (event) => {
      waiting.push(event);
      if (waiting.length > most) waiting.shift();
      onActivity();
      if (drawing) return;
      drawing = true;
      requestAnimationFrame(() => {
        drawing = false;
        list.prepend(...waiting.splice(0).reverse().map(line));
        while (list.children.length > most) list.lastChild.remove();
        if (!list.isConnected) fill(body, list);
      });
    },
  });
  return h("section.card.panel.live", { "aria-label": "Live events" }, h("h2", "Live", state), body);
}

function line(event) {
  return h(
    "li", h(`span.kind.${kind(event.type)}`, { "aria-hidden": "true" }),
    h("div.what", h("strong", words(event.type)), h("span.detail", detail(event))),
    h("time", { datetime: event.occurred_at }, timeOfDay(event.occurred_at)),
  );
}

function kind(type) {
  const family = type.split(".")[0];
  return ["referral", "reward", "workflow", "campaign", "notification"].includes(family) ? family : "user";
}

/** The few words that say most about an event. */
function detail({ properties = {}, participant }) {
  const parts = [
    participant?.external_id,
    properties.amount?.units && properties.amount.asset && amount(properties.amount),
    properties.code && `code ${properties.code}`,
    properties.channel && `by ${properties.channel}`,
    properties.outcome && words(properties.outcome),
    properties.template && words(properties.template),
  ].filter(Boolean);
  return parts.join(" · ") || shortID(properties.participant_id ?? properties.campaign_id ?? "");
}
