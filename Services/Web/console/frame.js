// What surrounds every page: the brand, the campaigns to choose from, who is signed in.

import { h, fill } from "./dom.js";
import { words } from "./format.js";
import * as api from "./api.js";
import * as session from "./session.js";
import { failure } from "./views/states.js";

export function frame(page, campaignID, signal) {
  const list = h("ul.campaigns", h("li.skeleton"), h("li.skeleton"), h("li.skeleton"));
  load(list, campaignID, signal);
  return h(
    "aside.side",
    h("a.brand", { href: "#/" }, h("img", { src: "grape.svg", alt: "", width: 28, height: 28 }), "Grapevine"),
    h(
      "nav", { "aria-label": "Pages" },
      h("h2", "Data"),
      h("a.campaign.apart", { href: "#/events", "aria-current": page === "events" ? "page" : null }, "Events"),
      h("h2", "Campaigns"),
      h("a.campaign", { href: "#/", "aria-current": page === "events" || campaignID ? null : "page" }, "All campaigns"),
      list,
    ),
    account(),
  );
}

async function load(list, campaignID, signal) {
  try {
    const { data } = await api.campaigns(signal);
    if (!data.length) return fill(list, h("li.quiet", "No campaign yet."));
    fill(list, data.map((campaign) => item(campaign, campaignID)));
  } catch (error) {
    if (!signal.aborted) fill(list, h("li", failure(error, () => load(list, campaignID, signal))));
  }
}

function item(campaign, chosen) {
  const isChosen = campaign.campaign_id === chosen;
  return h(
    "li",
    h(
      "a.campaign", { href: `#/campaigns/${campaign.campaign_id}`, "aria-current": isChosen ? "page" : null },
      h(`span.dot.${campaign.status}`, { title: words(campaign.status) }),
      h("span.name", campaign.name),
      h("span.hidden", `, ${words(campaign.status)}`),
    ),
  );
}

function account() {
  const { member, client } = session.current();
  return h(
    "div.account",
    h("div.who", h("strong", client?.name ?? "Signed in"), h("span", member?.email ?? "")),
    h("button.quiet", { type: "button", onclick: () => session.signOut() }, "Sign out"),
  );
}
