import { h } from "../dom.js";
import { count, rate, shortID } from "../format.js";
import { nothing } from "./states.js";

export function leaderboard(rows) {
  if (!rows?.length) return nothing("Nobody yet", "Whoever brings somebody shows up here.");
  return h(
    "table",
    h("thead", h("tr", heading("Rank"), heading("Participant"), heading("Clicks", "number"), heading("Conversions", "number"), heading("Rate", "number"))),
    h("tbody", rows.slice(0, 10).map(row)),
  );
}

const heading = (text, kind) => h(`th${kind ? `.${kind}` : ""}`, { scope: "col" }, text);

function row({ rank, participant_id, external_id, clicks, conversions }) {
  return h(
    "tr",
    h("td", h(`span.rank.rank-${Math.min(rank, 4)}`, rank)),
    h("th", { scope: "row", title: participant_id }, external_id ?? shortID(participant_id)),
    h("td.number", count(clicks)),
    h("td.number", h("strong", count(conversions))),
    h("td.number", rate(conversions, clicks)),
  );
}
