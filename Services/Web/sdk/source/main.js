// The core: takes the place of the loader's stand-in, and does what was called meanwhile.

import { createClient } from "./client.js";

/* global VERSION */
const { src, dataset } = document.currentScript;
const early = window.grapevine;

if (!early?.version) {
  const client = createClient({
    key: dataset.key,
    base: dataset.url || new URL(src).origin,
    campaign: dataset.campaign,
    consent: dataset.consent || "memory",
    version: VERSION,
  });
  window.grapevine = client;
  if (early?.queue) {
    for (const [name, values, moment] of early.queue) {
      const takesMoment = { identify: 3, page: 2, track: 3 }[name];
      if (takesMoment) values[takesMoment] = moment;
      client[name](...values);
    }
  } else if (dataset.pages !== "manual") client.page();
}
