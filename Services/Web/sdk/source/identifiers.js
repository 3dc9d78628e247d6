// UUIDv7 (RFC 9562 §5.7): ids that sort by the time at which they were made.

let lastMilliseconds = 0;
let counter = 0;

/** A new id. Those of one page sort in the order in which they were made, also within a millisecond. */
export function uuid(milliseconds = Date.now()) {
  if (milliseconds > lastMilliseconds) {
    lastMilliseconds = milliseconds;
    counter = 0;
  } else if (++counter > 0xfff) {
    lastMilliseconds += 1;
    counter = 0;
  }
  const random = crypto.getRandomValues(new Uint8Array(8));
  random[0] = (random[0] & 0x3f) | 0x80;
  const tail = Array.from(random, (byte) => hex(byte, 2)).join("");
  const head = hex(lastMilliseconds, 12);
  return `${head.slice(0, 8)}-${head.slice(8)}-7${hex(counter, 3)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}

const hex = (value, digits) => value.toString(16).padStart(digits, "0");
