// The events of the client: what comes, what was not taken and why, how much, and the way of each.

import { h, fill } from "../dom.js";
import { drawer } from "./drawer.js";
import { loggedEvents } from "./event-list.js";
import { rejectedEvents } from "./rejected.js";
import { volumesPanel } from "./volumes.js";

const tabs = [
  ["log", "In the log"],
  ["rejected", "Rejected"],
];

export function eventsPage(main, signal) {
  document.title = "Events · Grapevine";
  const details = drawer();
  const badge = h("span.count", { hidden: true });
  const lists = {
    log: loggedEvents(details, signal, (event) => rejected.arrived(event)),
    rejected: null,
  };
  const rejected = rejectedEvents(details, signal, (count) => {
    badge.hidden = count === 0;
    fill(badge, String(count));
  });
  lists.rejected = rejected;
  const buttons = tabs.map(([name, title]) =>
    h(
      "button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => choose(name), onkeydown: step },
      title, name === "rejected" && badge,
    ));
  const panels = tabs.map(([name]) =>
    h("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}` }, lists[name].element));

  function choose(name) {
    tabs.forEach(([other], index) => {
      buttons[index].setAttribute("aria-selected", String(other === name));
      buttons[index].tabIndex = other === name ? 0 : -1;
      panels[index].hidden = other !== name;
    });
    details.close();
    lists[name].opened?.();
  }

  /** Arrow keys go from tab to tab, as in every tab list. */
  function step(event) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const next = buttons[(buttons.indexOf(event.currentTarget) + 1) % buttons.length];
    next.click();
    next.focus();
  }

  fill(
    main,
    h("header.page-header", h("h1", "Events"), h("p.facts", "What your pages, servers and shops send, the moment it arrives.")),
    volumesPanel(signal),
    h("section.card.panel.event-lists", { "aria-label": "Latest events" }, h("div.tabs", { role: "tablist", "aria-label": "Events" }, buttons), panels),
    details.element,
  );
  choose("log");
}
