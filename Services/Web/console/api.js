// The portal API, as a signed-in member sees it.

import * as session from "./session.js";

/** A GET; throws `Problem`. A token that ended meanwhile is renewed once. */
export const get = (path, signal) => call(path, { signal });

/** A POST that takes effect once however often it is sent with `key`. */
export function post(path, body, key, signal) {
  const headers = { "Idempotency-Key": key };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return call(path, { method: "POST", headers, body: body === undefined ? undefined : JSON.stringify(body), signal });
}

async function call(path, options) {
  let response = await send(path, options);
  if (response.status === 401 && (await session.refresh())) response = await send(path, options);
  if (!response.ok) throw await session.Problem.from(response);
  return response.json();
}

async function send(path, options) {
  await session.ensureFresh();
  return fetch(path, { ...options, headers: { Accept: "application/json", ...options.headers, ...session.authorization() } });
}

/** `{limit: 50, event: ""}` → `?limit=50`. */
function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

export const client = (signal) => get("/v1/portal/client", signal);
export const campaigns = (signal) => get("/v1/portal/campaigns?limit=100", signal);
export const campaign = (id, signal) => get(`/v1/portal/campaigns/${encodeURIComponent(id)}`, signal);
export const budget = (id, signal) => get(`/v1/portal/budgets/${encodeURIComponent(id)}`, signal);

/** The numbers of one campaign, or of all when none is named. */
export function dashboard(id, signal) {
  const query = id ? `?campaign_id=${encodeURIComponent(id)}` : "";
  return get(`/v1/portal/dashboard${query}`, signal);
}

export const events = (parameters, signal) => get(`/v1/portal/events${query(parameters)}`, signal);
export const event = (position, signal) => get(`/v1/portal/events/${encodeURIComponent(position)}`, signal);
export const eventStream = (parameters) => `/v1/portal/events/live${query(parameters)}`;
export const volumes = (window, signal) => get(`/v1/portal/events/volumes${query({ window })}`, signal);
export const rejections = (parameters, signal) => get(`/v1/portal/rejected-events${query(parameters)}`, signal);
export const rejectionReasons = (signal) => get("/v1/portal/rejected-events/reasons?state=open", signal);
export const rejection = (id, signal) => get(`/v1/portal/rejected-events/${encodeURIComponent(id)}`, signal);
export const replayOne = (id, key) => post(`/v1/portal/rejected-events/${encodeURIComponent(id)}/replay`, undefined, key);
export const replaySome = (filter, key) => post("/v1/portal/rejected-events/replay", filter, key);
