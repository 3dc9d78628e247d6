// The public part of the campaign's configuration, kept for a while. Asked for only when a page
// wants it; a server without it, or out of reach, is as a campaign without configuration.

const freshMilliseconds = 5 * 60_000;

export function createConfiguration({ base, key, campaign, storage, mayAsk }) {
  let asked = null;

  async function load() {
    const name = `c:${campaign}`;
    const known = storage.read(name);
    if (known && Date.now() - known.at < freshMilliseconds) return known.value;
    try {
      const path = `/v1/sdk/campaigns/${encodeURIComponent(campaign)}?key=${encodeURIComponent(key)}`;
      const response = await fetch(base + path, { credentials: "omit" });
      // Any other failure passes: what was known stays.
      if (!response.ok && response.status !== 404) throw response.status;
      const value = response.ok ? await response.json() : null;
      storage.write(name, { at: Date.now(), value });
      return value;
    } catch {
      asked = null;
      return known?.value ?? null;
    }
  }

  return () => (campaign && mayAsk() ? (asked ??= load()) : Promise.resolve(null));
}
