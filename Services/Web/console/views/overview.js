// One campaign, or all of them: the figures, the way from share to purchase, who brought most, what
// happens right now.

import { h, fill } from "../dom.js";
import * as api from "../api.js";
import { words, date } from "../format.js";
import { failure } from "./states.js";
import { figures } from "./figures.js";
import { leaderboard } from "./leaderboard.js";
import { livePanel } from "./live-panel.js";
import { funnel } from "../charts/funnel.js";
import { hours } from "../charts/hours.js";

/** Figures are asked for again when something happened, but no oftener than this. */
const refreshMilliseconds = 2_000;
/** And also when nothing seemed to happen, in case the live stream is away. */
const idleRefreshMilliseconds = 20_000;

export function overviewPage(main, campaignID, signal) {
  const parts = {
    header: h("header.page-header"),
    figures: h("section.figures", { "aria-label": "Figures" }),
    funnel: panel("From share to purchase"),
    hours: panel("Last 24 hours"),
    leaderboard: panel("Who brings people"),
    notice: h("div"),
  };
  const live = livePanel(campaignID, signal, () => wake());
  fill(
    main, parts.header, parts.notice, parts.figures,
    h("div.grid", parts.funnel.element, live, parts.hours.element, parts.leaderboard.element),
  );
  const named = title(parts.header, campaignID, signal);
  const wake = keepFresh(() => load(parts, campaignID, named, signal), signal);
}

function panel(name) {
  const body = h("div.body");
  return { body, element: h("section.card.panel", { "aria-label": name }, h("h2", name), body) };
}

/** Writes the header; the campaign, or null where none is named or found. */
async function title(header, campaignID, signal) {
  if (!campaignID) {
    document.title = "All campaigns · Grapevine";
    fill(header, h("h1", "All campaigns"));
    return null;
  }
  fill(header, h("h1.skeleton-text", "Loading…"));
  try {
    const campaign = await api.campaign(campaignID, signal);
    document.title = `${campaign.name} · Grapevine`;
    const period = [campaign.starts_at && `from ${date(campaign.starts_at)}`, campaign.ends_at && `until ${date(campaign.ends_at)}`];
    fill(
      header, h("h1", campaign.name),
      h(
        "p.facts", h(`span.badge.${campaign.status}`, words(campaign.status)),
        h("span", `${words(campaign.pulse)} campaign`), ...period.filter(Boolean).map((text) => h("span", text)),
        h("span", `revision ${campaign.revision}`)),
    );
    return campaign;
  } catch (error) {
    if (!signal.aborted) fill(header, failure(error, () => title(header, campaignID, signal)));
    return null;
  }
}

async function load(parts, campaignID, named, signal) {
  try {
    // A draft has no money yet.
    const campaign = await named;
    const isFunded = campaign && campaign.status !== "draft";
    const [numbers, budget] = await Promise.all([
      api.dashboard(campaignID, signal),
      isFunded ? api.budget(campaignID, signal).catch(() => null) : null,
    ]);
    fill(parts.notice);
    fill(parts.figures, figures(numbers, budget));
    fill(parts.funnel.body, funnel(numbers.funnel));
    fill(parts.hours.body, hours(numbers.hourly, numbers.as_of));
    fill(parts.leaderboard.body, leaderboard(numbers.leaderboard));
  } catch (error) {
    // What is on the page stays: old figures with a word are better than none.
    if (!signal.aborted) fill(parts.notice, failure(error, () => load(parts, campaignID, named, signal)));
  }
}

/** Runs `work` now, after each wake-up (bundled) and once in a while; never twice at a time. */
function keepFresh(work, signal) {
  let timer = null;
  let running = false;
  let again = false;
  const run = async () => {
    clearTimeout(timer);
    running = true;
    again = false;
    await work();
    running = false;
    if (!signal.aborted) timer = setTimeout(run, again ? refreshMilliseconds : idleRefreshMilliseconds);
  };
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  run();
  return () => {
    if (again) return;
    again = true;
    if (running) return;
    clearTimeout(timer);
    timer = setTimeout(run, refreshMilliseconds);
  };
}
