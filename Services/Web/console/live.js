// The live stream: server-sent events read with fetch, because EventSource cannot send a token.

import * as session from "./session.js";

const longestWaitMilliseconds = 30_000;

/** Follows the events of a campaign (of all without one) until `signal` is aborted. */
export function follow(campaignID, { onEvent, onState, signal }) {
  const query = campaignID ? `?campaign_id=${encodeURIComponent(campaignID)}` : "";
  return followStream(`/v1/portal/live${query}`, null, { onMessage: (_, data) => onEvent(data), onState, signal });
}

/**
 * Follows a stream until `signal` is aborted, from behind the message `last`.
 * `onMessage` hears each message's name and data, `onState` "connecting", "live" or "waiting"; after a break it goes on
 * behind the last message that had an id.
 */
export async function followStream(path, last, { onMessage, onState, signal }) {
  let failures = 0;
  while (!signal.aborted) {
    onState(failures ? "waiting" : "connecting");
    try {
      for await (const message of read(path, last, signal, () => onState("live"))) {
        failures = 0;
        if (message.id) last = message.id;
        if (message.data) onMessage(message.event, JSON.parse(message.data));
      }
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      if (error.status === 401 && !(await session.refresh())) return;
    }
    await pause(Math.min(500 * 2 ** failures, longestWaitMilliseconds) * (0.5 + Math.random() / 2), signal);
  }
}

async function* read(path, last, signal, onOpen) {
  await session.ensureFresh();
  const headers = { Accept: "text/event-stream", ...session.authorization() };
  if (last) headers["Last-Event-ID"] = last;
  const response = await fetch(path, { headers, signal, cache: "no-store" });
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
