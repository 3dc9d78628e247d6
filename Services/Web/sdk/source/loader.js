// Stands in for the core until that is there: notes the calls with their time and id, and sends
// them itself when the page goes before. The same bytes work as an inline script and as a file.

/* global VERSION, INTEGRITY */
(function (script, data, queue, count) {
  if (window.grapevine) return;
  const base = new URL(data.url || script.src).origin;
  const hex = (value, digits) => value.toString(16).padStart(digits, 0);
  const uuid = (random = "", time = hex(Date.now(), 12)) => {
    for (const byte of crypto.getRandomValues(new Uint8Array(8))) random += hex(byte, 2);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(count++, 3)}-8${random.slice(1, 4)}-${random.slice(4)}`;
  };
  const stub = (window.grapevine = { queue });
  for (const name of ["track", "page", "identify", "reset", "consent", "on", "flush"])
    stub[name] = (...values) => {
      const id = uuid();
      queue.push([name, values, { id, time: Date.now(), address: location.href }]);
      return id;
    };
  const core = document.createElement("script");
  Object.assign(core.dataset, data, { url: base });
  core.src = `${base}/sdk/${VERSION}/grapevine.js`;
  core.integrity = INTEGRITY;
  core.crossOrigin = "anonymous";
  core.nonce = script.nonce;
  document.head.append(core);
  if (data.pages !== "manual") stub.page();

  addEventListener("pagehide", () => {
    if (stub.version || navigator.globalPrivacyControl) return;
    let [consent, person, visitor] = [data.consent, , uuid()];
    try {
      consent = localStorage["gv:consent"] || consent;
      visitor = localStorage["gv:visitor"] || visitor;
    } catch {}
    const events = [];
    for (const [name, [first, second], { id, time, address }] of queue) {
      if (name === "consent") consent = first;
      if (name === "identify") person = first;
      if (name === "reset") [person, visitor] = [, uuid()];
      if (consent !== "denied" && /^(track|page|identify)$/.test(name))
        events.push({
          event: { page: "page_viewed", identify: "user_identified" }[name] || first,
          event_id: id, occurred_at: new Date(time), anonymous_id: visitor, participant_id: person,
          [name === "identify" ? "traits" : "properties"]: name === "page" ? first : second,
          page: { url: address.split(/[?#]/)[0] },
        });
    }
    const body = JSON.stringify({ sent_at: new Date(), events });
    if (events[0] && navigator.sendBeacon(`${base}/v1/sdk/events?key=${data.key}`, body)) queue.length = 0;
  });
})(document.currentScript, document.currentScript.dataset, [], 0);
