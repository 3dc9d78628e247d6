// The way from share to purchase as four bars, each as wide as its share of the widest.

import { h } from "../dom.js";
import { count, rate } from "../format.js";
import { nothing } from "../views/states.js";

const steps = [
  ["shared", "Shared"],
  ["clicked", "Clicked"],
  ["signed_up", "Signed up"],
  ["converted", "Purchased"],
];

export function funnel(numbers) {
  const widest = Math.max(...steps.map(([key]) => numbers[key] ?? 0));
  if (!widest) return nothing("No referral yet", "Once somebody shares a link, the way to the purchase shows here.");
  return h(
    "ol.funnel",
    steps.map(([key, name], index) => {
      const value = numbers[key] ?? 0;
      const before = index > 1 ? numbers[steps[index - 1][0]] : 0;
      const bar = h("span.bar");
      bar.style.inlineSize = `${Math.max((value / widest) * 100, value ? 1.5 : 0)}%`;
      return h(
        `li.step-${index + 1}`,
        h("span.name", name),
        h("span.track", { "aria-hidden": "true" }, bar),
        h("strong", count(value)),
        // Shares and clicks are not of one kind: one share may bring many clicks or none.
        h("span.rate", index > 1 ? rate(value, before) : ""),
      );
    }),
  );
}
