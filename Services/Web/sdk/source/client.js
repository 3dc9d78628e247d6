// What pages call.

import { createBucket } from "./bucket.js";
import { createConfiguration } from "./configuration.js";
import { campaignParameters, pageOf, surroundings } from "./context.js";
import { uuid } from "./identifiers.js";
import { createIdentity } from "./identity.js";
import { bytesOf, createOutbox } from "./outbox.js";
import { createSender } from "./sender.js";
import { createStorage } from "./storage.js";

const flushMilliseconds = 10_000;
const eventBytes = 32 << 10;
const states = ["denied", "memory", "granted"];

/** @param {{key: string, base: string, campaign?: string, consent?: string, version: string}} options */
export function createClient({ key, base, campaign, consent, version }) {
  const storage = createStorage();
  const listeners = [];
  const emit = (name, detail) => {
    for (const [wanted, listener] of listeners) {
      if (wanted !== name) continue;
      // A listener's fault is the page's to hear of, not a reason to lose events.
      try {
        listener(detail);
      } catch (error) {
        setTimeout(() => { throw error; });
      }
    }
  };
  const dropped = (code, detail, event) => emit("dropped", { code, detail, event });

  let state = "denied";
  // With Global Privacy Control only what the visitor chooses on this very page counts.
  const initial = navigator.globalPrivacyControl ? "denied" : (storage.peek("consent") ?? consent);
  if (initial !== "granted") storage.close(false);

  const identity = createIdentity(storage);
  const outbox = createOutbox(storage, key, dropped);
  const address = `${base}/v1/sdk/events?key=${encodeURIComponent(key)}`;
  const sender = createSender({ address, lockName: `grapevine:${key}`, storage, outbox, emit });
  const isWithinRate = createBucket();
  const fixed = { ...surroundings(), sdk: { name: "grapevine-js", version } };

  /** Makes an event and queues it. `moment` is when and where it was called, if earlier. */
  function record(event, members, options, moment = {}) {
    if (state === "denied") return void dropped("no_consent", undefined, { event });
    if (!isWithinRate()) return void dropped("too_many", undefined, { event });
    const now = moment.time ?? Date.now();
    const where = moment.address ?? location.href;
    const id = moment.id ?? uuid(now);
    const made = {
      event, event_id: id, occurred_at: new Date(now).toISOString(), anonymous_id: identity.visitor,
      participant_id: identity.person ?? undefined, ...members, page: pageOf(where),
      ...campaignParameters(where), ...fixed, referral: identity.referral ?? undefined,
      first_touch: identity.firstTouch ?? undefined, ...options,
    };
    let text;
    try {
      text = JSON.stringify(made);
    } catch (error) {
      return void dropped("not_json", error.message, { event });
    }
    if (bytesOf(text) > eventBytes - 100) return void dropped("event_too_large", undefined, made);
    // Only now, so that what never leaves the page leaves no gap in the numbers.
    const numbers = JSON.stringify(identity.next(now)).slice(1);
    outbox.add(id, `${text.slice(0, -1)},${numbers}`);
    if (outbox.isDue()) sender.flush();
    else sender.schedule(flushMilliseconds);
    return made.event_id;
  }

  function arrive() {
    if (identity.arrive()) record("referral_visit", {}, { campaign_id: campaign });
  }

  function allow(next) {
    if (!states.includes(next)) throw new TypeError(`consent is one of ${states.join(", ")}`);
    if (next === state) return;
    state = next;
    if (next === "denied") {
      outbox.clear("no_consent");
      return storage.close(false);
    }
    if (next === "memory") storage.close(true);
    else storage.open();
    if (next === "granted") storage.set("consent", next);
    arrive();
    if (outbox.names().length) sender.schedule(Math.random() * 1000);
  }

  const api = {
    version,

    track: (event, properties, options, moment) => record(event, { properties }, options, moment),

    page: (properties, options, moment) => record("page_viewed", { properties }, options, moment),

    identify(person, traits, options, moment) {
      const id = String(person ?? "");
      if (!id) return void dropped("person_required");
      if (identity.person === id && !traits) return;
      if (identity.person && identity.person !== id) api.reset();
      if (state !== "denied") identity.person = id;
      return record("user_identified", { traits }, options, moment);
    },

    reset: () => identity.forget(),

    consent(next) {
      if (next !== undefined) allow(next);
      return state;
    },

    on(name, listener) {
      listeners.push([name, listener]);
    },

    flush: () => sender.flush(),

    configuration: createConfiguration({
      base, key, campaign, storage, mayAsk: () => state !== "denied",
    }),

    ids: () =>
      state === "denied"
        ? null
        : {
            anonymous_id: identity.visitor, participant_id: identity.person, session_id: identity.session,
            referral: identity.referral,
          },
  };

  storage.onRemoved("consent", () => allow("denied"));
  allow(states.includes(initial) ? initial : "denied");
  return api;
}
