// Numbers, amounts and times as people read them. Amounts stay integers (BigInt) all the way.

const locale = navigator.language || "en";
const whole = new Intl.NumberFormat(locale);
const share = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const hour = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" });

/** Decimal places of an asset's smallest step; unknown assets are counted in steps. */
const scales = { USD: 2, EUR: 2, GBP: 2, ETH: 18 };

export const count = (value) => whole.format(value ?? 0);

/** A rate between two counts; a dash when there is nothing to compare with. */
export const rate = (part, all) => (all > 0 ? share.format(part / all) : "–");

export function amount({ units, asset }) {
  const scale = scales[asset] ?? 0;
  const value = BigInt(units);
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  const front = whole.format(BigInt(digits.slice(0, digits.length - scale)));
  const back = scale ? `.${digits.slice(-scale)}` : "";
  return `${value < 0n ? "−" : ""}${front}${scale > 2 ? back.replace(/\.?0+$/, "") : back} ${asset}`;
}

export const timeOfDay = (text) => clock.format(new Date(text));
export const hourOfDay = (text) => hour.format(new Date(text));
export const dateTime = (text) => moment.format(new Date(text));
export const date = (text) => day.format(new Date(text));

/** `user_signed_up` → `User signed up`. */
export function words(slug) {
  const text = String(slug).replaceAll(/[._]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The end of a long id, enough to tell two apart. */
export const shortID = (id) => (id && id.length > 14 ? `${id.slice(0, 4)}…${id.slice(-6)}` : (id ?? ""));
