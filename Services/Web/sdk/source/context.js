// What a page says of itself. Queries and fragments of addresses can hold secrets and names, so of
// them only the parameters of campaigns leave the page.

const clickIDs = ["gclid", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id"];
const utm = ["source", "medium", "campaign", "term", "content"];
const longest = 200;

/** An address without its query and fragment. */
export function plain(address) {
  try {
    const { origin, pathname } = new URL(address);
    return (origin + pathname).slice(0, 1000);
  } catch {
    return undefined;
  }
}

export function pageOf(address) {
  const url = plain(address);
  return {
    url,
    path: url && new URL(url).pathname,
    title: document.title.slice(0, longest) || undefined,
    referrer: plain(document.referrer),
  };
}

/** Things that stay as they are while a page is open. */
export function surroundings() {
  const { width, height } = screen;
  return {
    screen: { width, height, density: devicePixelRatio },
    locale: { language: navigator.language, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone },
  };
}

/** UTM parameters and the ad networks' click ids of an address; absent when it has none. */
export function campaignParameters(address) {
  const query = new URL(address).searchParams;
  const taken = (names, parameter) => {
    const found = names.map((name) => [name, query.get(parameter(name))?.slice(0, longest)]);
    const present = found.filter(([, value]) => value);
    return present.length ? Object.fromEntries(present) : undefined;
  };
  return {
    utm: taken(utm, (name) => `utm_${name}`),
    click_ids: taken(clickIDs, (name) => name),
  };
}

/** The referral link that led to an address: `gv_click` and `gv_code`, as /r/{code} adds them. */
export function referralOf(address) {
  const query = new URL(address).searchParams;
  const read = (name) => /^[\w-]{1,64}$/.exec(query.get(name) ?? "")?.[0];
  const referral = { click_id: read("gv_click"), code: read("gv_code") };
  return referral.click_id || referral.code ? referral : null;
}
