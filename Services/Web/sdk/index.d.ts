// Types of the browser SDK: what `window.grapevine` is once the core is loaded. Until then the loader
// notes the calls, and those that answer here answer nothing (`track` and `page`: the event's id).

declare global {
  interface Window {
    grapevine: Grapevine;
  }
  const grapevine: Grapevine;
}

export type JSONValue = string | number | boolean | null | JSONValue[] | { [name: string]: JSONValue };
export type Properties = { [name: string]: JSONValue | undefined };

/**
 * What the visitor allows. `denied`: nothing is sent and nothing stored. `memory`: events are sent,
 * ids live as long as the page. `granted`: ids and unsent events are stored in this browser.
 */
export type Consent = "denied" | "memory" | "granted";

/** More about one event; any other member of the event structure may stand here as well. */
export interface EventOptions extends Properties {
  /** The campaign that the event belongs to (`cmp_…`). */
  campaign_id?: string;
  /** What was achieved, such as the order's id: told by several sources it counts once. */
  subject?: string;
  /** An id of your own, at most 100 characters; the same id is the same event. */
  event_id?: string;
}

/** An event that will not be sent, and why. */
export interface Dropped {
  /**
   * Of the SDK: `no_consent`, `too_many` (more than 10 a second), `queue_full`, `expired`, `not_json`,
   * `event_too_large`, `person_required`; else the code of the server's answer.
   */
  code: string;
  detail?: string;
  event?: { event: string; event_id?: string; [name: string]: unknown };
}

export interface Ids {
  anonymous_id: string;
  participant_id: string | null;
  session_id: string | null;
  /** The referral link that brought the visitor. */
  referral: { click_id?: string; code?: string } | null;
}

export interface Grapevine {
  readonly version: string;

  /** Notes that something happened. Answers the event's id; nothing when the event is not taken. */
  track(event: string, properties?: Properties, options?: EventOptions): string | undefined;

  /** Notes that a page is seen. The first one is noted by itself, except with `data-pages="manual"`. */
  page(properties?: Properties, options?: EventOptions): string | undefined;

  /**
   * Says who the visitor is, by your own id of the person. Another person than before begins anew.
   * What is known already is not sent again.
   */
  identify(participantID: string | number, traits?: Properties, options?: EventOptions): string | undefined;

  /** Forgets person, visitor, session and what brought them: after signing out. */
  reset(): void;

  /** What is allowed now; with a value, what is allowed from now on. */
  consent(state?: Consent): Consent;

  /** Hears of events that are not sent, of batches that are, and when the server wants no more. */
  on(name: "dropped", listener: (what: Dropped) => void): void;
  on(name: "sent", listener: (what: { count: number }) => void): void;
  on(name: "stopped", listener: (what: { status: number; code?: string }) => void): void;

  /** Sends what waits; resolves when it is sent or has to wait longer. */
  flush(): Promise<void>;

  /** The public part of the campaign's configuration; null without one. */
  configuration(): Promise<JSONValue>;

  /** Who the visitor is; null while consent is denied. */
  ids(): Ids | null;
}

export {};
