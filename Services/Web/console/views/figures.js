import { h } from "../dom.js";
import { amount, count, rate } from "../format.js";

/** The row of big numbers. */
export function figures({ funnel, rewards }, budget) {
  return [
    figure("Clicks", count(funnel.clicked), `${count(funnel.shared)} shares`),
    figure("Sign-ups", count(funnel.signed_up), `${rate(funnel.signed_up, funnel.clicked)} of clicks`),
    figure("Purchases", count(funnel.converted), `${rate(funnel.converted, funnel.signed_up)} of sign-ups`),
    figure("Rewards", paid(rewards.amounts), `${count(rewards.count)} given`),
    budget && budgetFigure(budget),
  ];
}

function figure(name, value, detail) {
  return h("div.card.figure", h("span.name", name), h("strong", value), h("span.detail", detail));
}

/** Each asset on a line of its own, its name smaller than the number. */
function paid(amounts) {
  if (!amounts.length) return "–";
  return amounts.map((given) => {
    const [number, asset] = amount(given).split(" ");
    return h("div", number, " ", h("small", asset));
  });
}

function budgetFigure({ budget, spent, reserved }) {
  const used = BigInt(spent.units) + BigInt(reserved.units);
  const all = BigInt(budget.units);
  const share = all > 0n ? Number((used * 1000n) / all) / 10 : 0;
  const bar = h("div.meter", { role: "meter", "aria-valuenow": share, "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": "Budget used" });
  const level = h("span");
  level.style.inlineSize = `${Math.min(share, 100)}%`;
  bar.append(level);
  return h("div.card.figure", h("span.name", "Budget used"), h("strong", `${share} %`), bar, h("span.detail", `of ${amount(budget)}`));
}
