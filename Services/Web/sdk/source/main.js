// The core: takes the place of the loader's stand-in, and does what was called meanwhile.

import { createClient } from "./client.js";

/* global VERSION */
const { src, dataset } = document.currentScript;

function start() {
  const early = window.grapevine;
  if (early?.version) return;
  const client = createClient({
    key: dataset.key,
    base: new URL(dataset.url || src).origin,
    campaign: dataset.campaign,
    consent: dataset.consent || "memory",
    version: VERSION,
  });
  const { queue } = early ?? {};
  // The same object as before: pages may have kept it, or one of its functions.
  window.grapevine = Object.assign(early ?? {}, client);
  if (queue) {
    const call = ([name, values, moment]) => {
      const takesMoment = { identify: 3, page: 2, track: 3 }[name];
      if (takesMoment) values[takesMoment] = moment;
      client[name](...values);
    };
    for (const noted of queue.splice(0)) {
      // One call that fails takes no other with it.
      try {
        call(noted);
      } catch (error) {
        setTimeout(() => { throw error; });
      }
    }
    queue.push = call;
  } else if (dataset.pages !== "manual") client.page();
}

// A page that the browser prepares is not seen by anybody yet.
if (document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
else start();
