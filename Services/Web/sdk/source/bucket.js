// A page that tracks in a loop must not flood the visitor's line, nor the client's quota.

const perSecond = 10;
const burst = 100;

/** A function that says whether one more event may be taken now. */
export function createBucket() {
  let tokens = burst;
  let filled = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - filled) / 1000) * perSecond);
    filled = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
