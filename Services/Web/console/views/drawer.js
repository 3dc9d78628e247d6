// What stands beside a list and shows one of its rows. Escape closes it and leads back to the row.

import { h, fill } from "../dom.js";

export function drawer() {
  let leaving = null;
  let origin = null;
  const title = h("h2", { id: "drawer-title", tabindex: "-1" });
  const body = h("div.drawer-body");
  const element = h(
    "aside.drawer", { role: "dialog", "aria-labelledby": "drawer-title", hidden: true, onkeydown: (event) => event.key === "Escape" && close() },
    h("div.drawer-head", title, h("button.quiet", { type: "button", onclick: () => close() }, "Close")),
    body,
  );

  function close() {
    leaving?.abort();
    if (element.hidden) return;
    element.hidden = true;
    if (origin?.isConnected) origin.focus();
    origin = null;
  }

  return {
    element,
    close,
    /** Shows `name`; `load` gets where to draw and a signal that is aborted when something else is shown. */
    open(name, row, load) {
      leaving?.abort();
      leaving = new AbortController();
      origin = row;
      element.hidden = false;
      fill(title, name);
      title.focus();
      load(body, leaving.signal);
    },
  };
}
