// How much comes: over time, by type, by key or webhook source.

import { h, fill } from "../dom.js";
import * as api from "../api.js";
import { columns } from "../charts/columns.js";
import { count, shortID } from "../format.js";
import { failure, nothing } from "./states.js";

const refreshMilliseconds = 10_000;
const windows = [["hour", "Last hour"], ["day", "Last day"]];
const rowsShown = 6;

export function volumesPanel(signal) {
  let window = "hour";
  let timer = null;
  const body = h("div.volumes-body");
  const buttons = windows.map(([name, title]) =>
    h("button", { type: "button", "aria-pressed": String(name === window), onclick: () => choose(name) }, title));

  function choose(name) {
    window = name;
    windows.forEach(([other], index) => buttons[index].setAttribute("aria-pressed", String(other === name)));
    load();
  }

  async function load() {
    clearTimeout(timer);
    const asked = window;
    try {
      const volumes = await api.volumes(asked, signal);
      if (asked !== window) return;
      fill(body, draw(volumes));
    } catch (error) {
      if (!signal.aborted) fill(body, failure(error, load));
    }
    if (!signal.aborted) timer = setTimeout(load, refreshMilliseconds);
  }

  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  load();
  return h("section.card.panel.volumes", { "aria-label": "Volumes" }, h("h2", "Volumes", h("span.switch", { role: "group", "aria-label": "Period" }, buttons)), body);
}

function draw(volumes) {
  if (!volumes.steps.length) return nothing("Nothing came", "Counts show here a few seconds after the first event.");
  return h(
    "div.volumes-grid", columns(volumes),
    table("By type", volumes.by_event, (row) => row.event ?? "unreadable or other"),
    table("By key or source", volumes.by_source, (row) => `${row.front} ${shortID(row.key_id ?? row.source_id ?? "")}`),
  );
}

function table(title, rows, name) {
  return h(
    "table", h("caption", title),
    h("thead", h("tr", heading("Name"), heading("Taken", "number"), heading("Again", "number"), heading("Rejected", "number"))),
    h("tbody", rows.slice(0, rowsShown).map((row) =>
      h("tr", h("th", { scope: "row", title: row.key_id ?? row.source_id }, name(row)), h("td.number", count(row.accepted)), h("td.number", count(row.duplicate)),
        h(`td.number${row.rejected ? ".bad" : ""}`, count(row.rejected))))),
    rows.length > rowsShown && h("tfoot", h("tr", h("td", { colspan: 4 }, `and ${count(rows.length - rowsShown)} more`))),
  );
}

const heading = (text, kind) => h(`th${kind ? `.${kind}` : ""}`, { scope: "col" }, text);
