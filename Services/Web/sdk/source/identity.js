// Who it is: visitor, person, session, and what brought them. Each in an item of its own, so that
// two pages that write at once cannot undo each other's.

import { campaignParameters, plain, referralOf } from "./context.js";
import { uuid } from "./identifiers.js";

const idleMilliseconds = 30 * 60_000;
const longestMilliseconds = 24 * 3600_000;

export function createIdentity(storage) {
  /** What brought the visitor to this page; kept here while nothing may be stored. */
  const arrival = location.href;

  const identity = {
    get visitor() {
      const known = storage.get("visitor");
      if (known) return known;
      const made = uuid();
      storage.set("visitor", made);
      return made;
    },

    /** The client's own id of the person; null while unknown. */
    get person() {
      return storage.get("person");
    },
    set person(id) {
      storage.set("person", id);
    },

    /** The session and this event's number in it, from 1. Gaps in the log are events lost. */
    next(now) {
      let session = storage.read("session");
      if (!session || now - session.last > idleMilliseconds || now - session.began > longestMilliseconds)
        session = { id: uuid(), began: now, sequence: 0 };
      session.last = now;
      session.sequence += 1;
      storage.write("session", session);
      return { session_id: session.id, sequence: session.sequence };
    },

    get session() {
      return storage.read("session")?.id ?? null;
    },
    get referral() {
      return storage.read("referral");
    },
    get firstTouch() {
      return storage.read("first");
    },

    /** Notes what brought the visitor. Answers whether a referral link did, and not known yet. */
    arrive() {
      if (!storage.get("first")) {
        storage.write("first", {
          at: new Date().toISOString(),
          landing_page: plain(arrival),
          referrer: plain(document.referrer),
          ...campaignParameters(arrival),
        });
      }
      const referral = referralOf(arrival);
      if (!referral) return false;
      const known = storage.get("referral");
      storage.write("referral", referral);
      return known !== storage.get("referral");
    },

    /** Forgets the person and the visitor: somebody else may be next. */
    forget() {
      for (const name of ["visitor", "person", "session", "first", "referral"]) storage.remove(name);
    },
  };
  return identity;
}
