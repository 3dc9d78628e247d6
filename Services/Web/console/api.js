// The portal API, as a signed-in member sees it.

import * as session from "./session.js";

/** A GET; throws `Problem`. A token that ended meanwhile is renewed once. */
export async function get(path, signal) {
  let response = await send(path, signal);
  if (response.status === 401 && (await session.refresh())) response = await send(path, signal);
  if (!response.ok) throw await session.Problem.from(response);
  return response.json();
}

async function send(path, signal) {
  await session.ensureFresh();
  return fetch(path, { headers: { Accept: "application/json", ...session.authorization() }, signal });
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
