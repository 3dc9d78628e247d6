// Three lines over the last 24 hours, as SVG; the same numbers stand in a table for screen readers.

import { h, svg } from "../dom.js";
import { count, hourOfDay } from "../format.js";
import { nothing } from "../views/states.js";

const series = [
  ["clicked", "Clicks"],
  ["signed_up", "Sign-ups"],
  ["converted", "Purchases"],
];
const size = { width: 560, height: 190, left: 34, right: 8, top: 10, bottom: 22 };
const hourMilliseconds = 3_600_000;

export function hours(rows, asOf) {
  const points = lastDay(rows ?? [], asOf);
  const top = niceTop(Math.max(...points.flatMap((point) => series.map(([key]) => point[key]))));
  if (!points.some((point) => series.some(([key]) => point[key]))) {
    return nothing("Quiet so far", "Clicks, sign-ups and purchases of the last day show here.");
  }
  return h("div.hours", legend(), chart(points, top), table(points));
}

/** Every hour of the last day in order, empty ones included. */
function lastDay(rows, asOf) {
  const byHour = new Map(rows.map((row) => [Date.parse(row.hour), row]));
  const end = Math.floor((asOf ? Date.parse(asOf) : Date.now()) / hourMilliseconds) * hourMilliseconds;
  return Array.from({ length: 24 }, (_, index) => {
    const at = end - (23 - index) * hourMilliseconds;
    const row = byHour.get(at) ?? {};
    return { at, ...Object.fromEntries(series.map(([key]) => [key, row[key] ?? 0])) };
  });
}

/** The next of 1, 2, 5, 10, 20, 50 … that holds the value and divides well. */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return Math.max([1, 2, 5, 10].map((step) => step * power).find((top) => top >= value), 2);
}

function chart(points, top) {
  const x = (index) => size.left + (index / (points.length - 1)) * (size.width - size.left - size.right);
  const y = (value) => size.height - size.bottom - (value / top) * (size.height - size.top - size.bottom);
  const lines = [0, top / 2, top].map((value) => [
    svg("line.rule", { x1: size.left, x2: size.width - size.right, y1: y(value), y2: y(value) }),
    Number.isInteger(value) && svg("text.tick", { x: size.left - 6, y: y(value) + 4, "text-anchor": "end" }, count(value)),
  ]);
  const labels = points.map((point, index) =>
    index % 6 === 5 && svg("text.tick", { x: x(index), y: size.height - 4, "text-anchor": index === 23 ? "end" : "middle" }, hourOfDay(point.at)));
  const paths = series.map(([key], number) => {
    const corners = points.map((point, index) => `${x(index).toFixed(1)},${y(point[key]).toFixed(1)}`);
    const last = points.length - 1;
    return [
      number === 0 && svg("polygon.area", { points: `${x(0)},${y(0)} ${corners.join(" ")} ${x(last)},${y(0)}` }),
      svg(`polyline.line.series-${number + 1}`, { points: corners.join(" ") }),
      svg(`circle.series-${number + 1}`, { cx: x(last), cy: y(points[last][key]), r: 3.5 }),
    ];
  });
  return svg("svg.chart", { viewBox: `0 0 ${size.width} ${size.height}`, "aria-hidden": "true" }, lines, labels, paths);
}

const legend = () =>
  h("ul.legend", { "aria-hidden": "true" }, series.map(([, name], number) => h("li", h(`span.series-${number + 1}`), name)));

function table(points) {
  return h(
    "table.hidden", h("caption", "Clicks, sign-ups and purchases by hour"),
    h("thead", h("tr", h("th", { scope: "col" }, "Hour"), series.map(([, name]) => h("th", { scope: "col" }, name)))),
    h(
      "tbody",
      points.filter((point) => series.some(([key]) => point[key])).map((point) =>
        h("tr", h("th", { scope: "row" }, hourOfDay(point.at)), series.map(([key]) => h("td", count(point[key])))))),
  );
}
