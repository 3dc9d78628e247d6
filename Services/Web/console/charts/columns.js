// A column for each step of time, what was not taken on top, as SVG; the same numbers stand in a table for screen readers.

import { h, svg } from "../dom.js";
import { count, hourOfDay } from "../format.js";

const size = { width: 440, height: 210, left: 40, right: 4, top: 10, bottom: 22 };

export function columns({ steps, from, as_of: asOf, step_seconds: stepSeconds }) {
  const points = everyStep(steps, Date.parse(from), Date.parse(asOf), stepSeconds * 1000);
  const top = Math.max(...points.map((point) => point.taken + point.rejected), 4);
  return h("div.columns", legend(), chart(points, top), table(points));
}

/** Every step in order, empty ones included. */
function everyStep(steps, from, end, length) {
  const found = new Map(steps.map((step) => [Date.parse(step.at), step]));
  const first = Math.floor(from / length) * length;
  const points = [];
  for (let at = first; at <= end; at += length) {
    const step = found.get(at) ?? { accepted: 0, duplicate: 0, rejected: 0 };
    points.push({ at, taken: step.accepted, rejected: step.rejected });
  }
  return points;
}

function chart(points, top) {
  const height = size.height - size.top - size.bottom;
  const width = (size.width - size.left - size.right) / points.length;
  const y = (value) => size.top + height - (value / top) * height;
  const rules = [0, top].map((value) => [
    svg("line.rule", { x1: size.left, x2: size.width - size.right, y1: y(value), y2: y(value) }),
    svg("text.tick", { x: size.left - 6, y: y(value) + 4, "text-anchor": "end" }, count(value)),
  ]);
  const bars = points.map((point, index) => {
    const x = size.left + index * width + width * 0.12;
    const all = point.taken + point.rejected;
    return [
      point.taken > 0 && svg("rect.taken", { x, width: width * 0.76, y: y(point.taken), height: y(0) - y(point.taken), rx: 2 }),
      point.rejected > 0 && svg("rect.refused", { x, width: width * 0.76, y: y(all), height: y(point.taken) - y(all), rx: 2 }),
    ];
  });
  const labels = points.map((point, index) =>
    index % 4 === 0 && svg("text.tick", { x: size.left + (index + 0.5) * width, y: size.height - 4, "text-anchor": "middle" }, hourOfDay(point.at)));
  return svg("svg.chart", { viewBox: `0 0 ${size.width} ${size.height}`, "aria-hidden": "true" }, rules, bars, labels);
}

const legend = () => h("ul.legend", { "aria-hidden": "true" }, h("li", h("span.taken"), "Taken"), h("li", h("span.refused"), "Rejected"));

function table(points) {
  return h(
    "table.hidden", h("caption", "Events over time"),
    h("thead", h("tr", h("th", { scope: "col" }, "From"), h("th", { scope: "col" }, "Taken"), h("th", { scope: "col" }, "Rejected"))),
    h("tbody", points.filter((point) => point.taken || point.rejected).map((point) =>
      h("tr", h("th", { scope: "row" }, hourOfDay(point.at)), h("td", count(point.taken)), h("td", count(point.rejected))))),
  );
}
