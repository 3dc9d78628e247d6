// What a part of a page shows while it waits, when there is nothing, and when it failed.

import { h } from "../dom.js";

export const waiting = (lines = 3) =>
  h("div.waiting", { role: "status", "aria-label": "Loading" }, Array.from({ length: lines }, () => h("div.skeleton")));

export const nothing = (title, hint) => h("div.nothing", h("strong", title), hint && h("p", hint));

/** Says what went wrong and offers to try again. */
export function failure(error, retry) {
  return h(
    "div.failure", { role: "alert" },
    h("strong", title(error)),
    h("p", error.message),
    retry && h("button", { type: "button", onclick: retry }, "Try again"),
  );
}

function title(error) {
  if (error.status === 503) return "Not available just now";
  if (error.status === 404) return "Not found";
  if (error.status === 403) return "Not allowed";
  return error.status ? "That did not work" : "The server cannot be reached";
}
