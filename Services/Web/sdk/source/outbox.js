// The events that are not sent yet, each an item of its own: pages can add at the same time, and an
// item goes away only when the server has answered for it. Names sort by time and tell the size.

const dueEvents = 10;
const dueBytes = 25_000;
const mostEvents = 200;
const mostBytes = 256 << 10;
/** The server knows ids again for at least 7 days; an event that is older could count twice. */
const oldestMilliseconds = 6 * 24 * 3600_000;

const encoder = new TextEncoder();
/** Bytes of a text as it is sent. */
export const bytesOf = (text) => encoder.encode(text).length;

export function createOutbox(storage, key, onDropped) {
  const start = `e:${key}:`;
  /** What this page added. */
  const own = new Set();
  const sizeOf = (name) => Number(name.split(".").pop());
  const totalBytes = (names) => names.reduce((sum, name) => sum + sizeOf(name), 0);
  const isExpired = (name) => {
    const milliseconds = parseInt(name.split(":")[2].replace("-", "").slice(0, 12), 16);
    return !(Date.now() - milliseconds < oldestMilliseconds);
  };

  const outbox = {
    names: () => storage.names(start),
    /** Whether so much waits that it should not wait longer: little enough to be sent from a page that goes. */
    isDue() {
      const names = outbox.names();
      return names.length >= dueEvents || totalBytes(names) > dueBytes;
    },
    isOwn: (name) => own.has(name),
    text: (name) => storage.get(name),

    add(id, text) {
      const name = `${start}${id}.${bytesOf(text)}`;
      own.add(name);
      storage.set(name, text);
      trim();
    },

    remove(name) {
      own.delete(name);
      storage.remove(name);
    },

    drop(name, code, detail) {
      const event = storage.read(name);
      outbox.remove(name);
      onDropped(code, detail, event);
    },

    clear(code) {
      for (const name of outbox.names()) outbox.drop(name, code);
    },

    /** The oldest events that fit into so many bytes. */
    next(bytes, isWanted) {
      trim();
      const batch = [];
      for (const name of outbox.names().filter(isWanted)) {
        bytes -= sizeOf(name) + 1;
        if (bytes < 0 && batch.length) break;
        batch.push(name);
      }
      return batch;
    },

    /** Until when nothing is to be sent, for all pages; 0 when nothing holds. */
    get heldUntil() {
      return Number(storage.get("hold")) || 0;
    },
    set heldUntil(time) {
      if (time) storage.set("hold", String(time));
      else storage.remove("hold");
    },
  };

  /** Keeps to the limits; the oldest go first. */
  function trim() {
    const names = outbox.names();
    let bytes = totalBytes(names);
    let count = names.length;
    for (const name of names) {
      const isOld = isExpired(name);
      if (!isOld && count <= mostEvents && bytes <= mostBytes) break;
      outbox.drop(name, isOld ? "expired" : "queue_full");
      count -= 1;
      bytes -= sizeOf(name);
    }
    // Of a key that is no longer used, nobody else would take them away.
    for (const name of storage.names("e:")) if (isExpired(name)) storage.remove(name);
  }

  return outbox;
}
