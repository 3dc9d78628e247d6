// The live stream: server-sent events read with fetch, because EventSource cannot send a token.

import * as session from "./session.js";

const longestWaitMilliseconds = 30_000;

/**
 * Follows the events of a campaign (of all without one) until `signal` is aborted.
 * `onState` hears "connecting", "live" or "waiting"; after a break it goes on behind the last event.
 */
export async function follow(campaignID, { onEvent, onState, signal }) {
  let last = null;
  let failures = 0;
  while (!signal.aborted) {
    onState(failures ? "waiting" : "connecting");
    try {
      for await (const message of read(campaignID, last, signal, () => onState("live"))) {
        failures = 0;
        if (message.id) last = message.id;
        if (message.data) onEvent(JSON.parse(message.data));
      }
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      if (error.status === 401 && !(await session.refresh())) return;
    }
    await pause(Math.min(500 * 2 ** failures, longestWaitMilliseconds) * (0.5 + Math.random() / 2), signal);
  }
}

async function* read(campaignID, last, signal, onOpen) {
  await session.ensureFresh();
  const query = campaignID ? `?campaign_id=${encodeURIComponent(campaignID)}` : "";
  const headers = { Accept: "text/event-stream", ...session.authorization() };
  if (last) headers["Last-Event-ID"] = last;
  const response = await fetch(`/v1/portal/live${query}`, { headers, signal, cache: "no-store" });
  if (!response.ok) throw await session.Problem.from(response);
  onOpen();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) yield parse(block);
  }
}

/** One block of the event stream format (WHATWG HTML §9.2). */
function parse(block) {
  const message = { data: "" };
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^(\w*): ?(.*)$/.exec(line) ?? [];
    if (field === "data") message.data += (message.data && "\n") + value;
    else if (field) message[field] = value;
  }
  return message;
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
