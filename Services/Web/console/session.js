// Who is signed in. The member token lives in memory only; a refresh cookie that scripts cannot read
// brings a new one after a reload and before the old one ends.

const listeners = new Set();
let session = null;
let refreshing = null;

export const current = () => session;

/** Calls back with the session or null at every change; returns how to stop that. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function become(next) {
  session = next;
  for (const listener of listeners) listener(session);
}

export async function signIn(email, password) {
  const response = await fetch("/auth/sessions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  if (!response.ok) throw await Problem.from(response);
  become(await response.json());
}

export async function signOut() {
  try {
    await fetch("/auth/sessions", { method: "DELETE", headers: authorization() });
  } finally {
    become(null);
  }
}

/** True when there is a session again. Callers at the same time share one request. */
export function refresh() {
  refreshing ??= renew().finally(() => (refreshing = null));
  return refreshing;
}

async function renew() {
  const response = await fetch("/auth/sessions/refresh", { method: "POST" }).catch(() => null);
  // No answer is no verdict: whoever is signed in stays so and the next call tries again.
  if (!response || response.status >= 500) return session !== null;
  become(response.ok ? await response.json() : null);
  return response.ok;
}

export const authorization = () => (session ? { Authorization: `Bearer ${session.token}` } : {});

/** Renewed a minute before its end, so that no click meets an expired token. */
export async function ensureFresh() {
  if (!session) return;
  if (new Date(session.expires_at) - Date.now() < 60_000) await refresh();
}

/** An answer that is not the wanted one, as a problem document says it (RFC 9457). */
export class Problem extends Error {
  constructor(status, code, detail, retryAfterSeconds) {
    super(detail);
    Object.assign(this, { status, code, retryAfterSeconds });
  }

  static async from(response) {
    const body = await response.json().catch(() => ({}));
    const detail = body.detail ?? `The server answered ${response.status}.`;
    return new Problem(response.status, body.code ?? "unknown", detail, Number(response.headers.get("Retry-After")));
  }
}
