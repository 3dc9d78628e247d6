// Sends what is in the outbox. One page of an origin sends at a time (Web Locks); every request is
// one that may outlive the page, and none asks the server for permission first (text/plain).

import { bytesOf } from "./outbox.js";

/** Keepalive requests and beacons share 64 KiB; ours stay well below. */
const bodyBytes = 51_000;
const timeoutMilliseconds = 30_000;
const shortestWaitMilliseconds = 1000;
const longestWaitMilliseconds = 5 * 60_000;
const longestRetryAfterMilliseconds = 3600_000;

export function createSender({ address, lockName, storage, outbox, emit }) {
  const flying = new Map();
  const canOutlive = "keepalive" in Request.prototype;
  let [timer, due, failures] = [null, Infinity, 0];
  let running = null;
  let isStopped = false;
  /** Whether what holds is only that the network was away. */
  let isCutOff = false;
  let refusedSince = null;

  /** Flushes after so many milliseconds, or earlier when that was agreed before. */
  function schedule(milliseconds) {
    const at = Date.now() + milliseconds;
    if (isStopped || at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => {
      due = Infinity;
      flush();
    }, milliseconds);
  }

  /** Sends everything that waits. Resolves when it is sent or has to wait. */
  function flush() {
    if (isStopped) return Promise.resolve();
    return (running ??= alone(drain).finally(() => {
      running = null;
      if (outbox.names().length) schedule(Math.max(wait(), shortestWaitMilliseconds));
    }));
  }

  const wait = () => {
    const left = outbox.heldUntil - Date.now();
    // Further away than anybody asked for: the clock was set back meanwhile.
    return left > 2 * longestRetryAfterMilliseconds ? 0 : Math.max(0, left);
  };

  /**
   * Runs while no other page of this origin does, or not at all: a later flush tries again. Without
   * storage a page has events of its own only.
   */
  async function alone(work) {
    if (!storage.isOpen() || !navigator.locks) return work();
    // Never a request that waits: of a page that is put aside, it would keep all others waiting.
    const locked = (lock) => {
      if (!lock) refusedSince ??= Date.now();
      const isStuck = refusedSince && Date.now() - refusedSince > 2 * timeoutMilliseconds;
      if (!lock && !isStuck) return;
      refusedSince = null;
      return work();
    };
    // Without the lock nothing counts twice either: the server knows ids again.
    return navigator.locks.request(lockName, { ifAvailable: true }, locked).catch(() => work());
  }

  async function drain() {
    while (!isStopped && !wait()) {
      const batch = outbox.next(bodyBytes - 100, (name) => !flying.has(name));
      if (!batch.length || !(await deliver(batch))) return;
    }
  }

  /** Sends a batch and does what the answer says. Answers whether to go on with the next. */
  async function deliver(names) {
    const texts = new Map(names.map((name) => [name, outbox.text(name)]).filter(([, text]) => text));
    const batch = [...texts.keys()];
    if (!batch.length) return true;
    for (const [name, text] of texts) flying.set(name, bytesOf(text));
    const answer = await post([...texts.values()]);
    for (const name of batch) flying.delete(name);
    const { status } = answer;
    if (status >= 200 && status < 300) {
      failures = 0;
      if (outbox.heldUntil) outbox.heldUntil = 0;
      settle(batch, answer.results);
      return true;
    }
    if (status === 413 || status === 400) return divide(batch, answer);
    if (status === 0 || status === 408 || status === 429 || status >= 500) {
      failures += 1;
      isCutOff = status === 0;
      const most = Math.min(longestWaitMilliseconds, shortestWaitMilliseconds * 2 ** failures);
      outbox.heldUntil = Date.now() + Math.max(answer.retryAfterMilliseconds, Math.random() * most);
      return false;
    }
    // A wrong key, origin or address does not get better by asking again.
    isStopped = true;
    emit("stopped", { status, code: answer.code });
    return false;
  }

  /** Refused as a whole: what is refused alone is dropped. */
  async function divide(batch, { status, code }) {
    if (batch.length === 1) {
      outbox.drop(batch[0], code ?? `http_${status}`);
      return true;
    }
    const middle = batch.length >> 1;
    return (await deliver(batch.slice(0, middle))) && (await deliver(batch.slice(middle)));
  }

  /** Results come in the order sent. One that is absent stands for an accepted event. */
  function settle(batch, results = []) {
    for (const [index, name] of batch.entries()) {
      const { status, code, detail } = results[index] ?? {};
      if (status === "rejected" || status === "conflict") outbox.drop(name, code, detail);
      else outbox.remove(name);
    }
    emit("sent", { count: batch.length });
  }

  async function post(texts) {
    const control = new AbortController();
    const timeout = setTimeout(() => control.abort(), timeoutMilliseconds);
    try {
      const response = await fetch(address, {
        method: "POST", body: bodyOf(texts), keepalive: true, credentials: "omit", signal: control.signal,
        headers: { "Content-Type": "text/plain;charset=UTF-8" },
      });
      const { results, code } = await response.json().catch(() => ({}));
      return { status: response.status, results, code, retryAfterMilliseconds: retryAfter(response) };
    } catch {
      return { status: 0, retryAfterMilliseconds: 0 };
    } finally {
      clearTimeout(timeout);
    }
  }

  /** Seconds or a date (RFC 9110 §10.2.3). */
  function retryAfter(response) {
    const text = response.headers.get("Retry-After");
    if (!text) return 0;
    const milliseconds = /^\d+$/.test(text) ? text * 1000 : Date.parse(text) - Date.now();
    // Not everybody at the same moment.
    const spread = Math.random() * shortestWaitMilliseconds;
    return Math.min(Math.max(0, milliseconds || 0), longestRetryAfterMilliseconds) + spread;
  }

  const bodyOf = (texts) => `{"sent_at":"${new Date().toISOString()}","events":[${texts.join(",")}]}`;

  /**
   * The page may be going: sends what this page added, at once. What is stored stays until an
   * answer is seen, if need be on the next page; the server knows it again by its id.
   */
  function depart() {
    if (isStopped || (storage.isOpen() && wait())) return;
    const inFlight = [...flying.values()].reduce((sum, bytes) => sum + bytes, 0);
    const isWanted = (name) => outbox.isOwn(name) && !flying.has(name);
    const batch = outbox.next(bodyBytes - 100 - inFlight, isWanted);
    if (!batch.length) return;
    if (canOutlive) deliver(batch);
    else beacon(batch);
  }

  function beacon(batch) {
    const body = new Blob([bodyOf(batch.map(outbox.text))], { type: "text/plain;charset=UTF-8" });
    if (navigator.sendBeacon?.(address, body)) {
      if (!storage.isOpen()) batch.forEach(outbox.remove);
    } else if (batch.length > 1) {
      const middle = batch.length >> 1;
      beacon(batch.slice(0, middle));
      beacon(batch.slice(middle));
    }
  }

  addEventListener("online", () => {
    failures = 0;
    if (isCutOff) outbox.heldUntil = 0;
    schedule(Math.random() * shortestWaitMilliseconds);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") flush();
  });
  addEventListener("pagehide", depart);
  addEventListener("pageshow", (event) => event.persisted && schedule(0));
  return { schedule, flush };
}
