// What is kept between pages. While storing is not allowed, or the browser refuses it, the same is
// kept in memory and ends with the page.

const mark = "gv:";

export function createStorage() {
  const memory = new Map();
  let disk = null;

  /** Runs something that a browser may refuse (blocked, full, private). */
  const guarded = (action, otherwise) => {
    try {
      return action();
    } catch {
      return otherwise;
    }
  };

  const storage = {
    /** Whether what is set now outlives the page. */
    isOpen: () => disk !== null,

    get: (name) => memory.get(name) ?? guarded(() => disk && disk.getItem(mark + name)) ?? null,

    set(name, value) {
      const isKept = guarded(() => {
        if (!disk) return false;
        disk.setItem(mark + name, value);
        return true;
      });
      if (isKept) memory.delete(name);
      else memory.set(name, value);
    },

    remove(name) {
      memory.delete(name);
      guarded(() => disk && disk.removeItem(mark + name));
    },

    /** The names that begin so, in their order. */
    names(start) {
      const kept = guarded(() => (disk ? Object.keys(disk) : []), []);
      const names = kept.filter((name) => name.startsWith(mark)).map((name) => name.slice(mark.length));
      return [...new Set([...names, ...memory.keys()])].filter((name) => name.startsWith(start)).sort();
    },

    /** What is stored, also while storing is not allowed. Changes nothing. */
    peek: (name) => guarded(() => window.localStorage.getItem(mark + name)) ?? null,

    /** From now on things are stored. What is stored already counts more than what is in memory. */
    open() {
      disk ??= guarded(() => {
        const found = window.localStorage;
        found.setItem(mark, "");
        found.removeItem(mark);
        return found;
      }, null);
      if (!disk) return;
      for (const [name, value] of [...memory]) {
        if (guarded(() => disk.getItem(mark + name), null) === null) storage.set(name, value);
        else memory.delete(name);
      }
    },

    /** From now on nothing is stored, and nothing stays. With `keep` it goes on in memory. */
    close(keep) {
      const found = disk ?? guarded(() => window.localStorage, null);
      const names = guarded(() => Object.keys(found).filter((name) => name.startsWith(mark)), []);
      for (const name of names) {
        if (disk && keep) memory.set(name.slice(mark.length), guarded(() => found.getItem(name)));
        guarded(() => found.removeItem(name));
      }
      disk = null;
      if (!keep) memory.clear();
    },

    /** Calls back when another page of this origin removed something that was stored. */
    onRemoved(name, listener) {
      addEventListener("storage", (event) => {
        if (event.key === mark + name && event.newValue === null) listener();
      });
    },

    /** JSON values; what is not JSON counts as absent. */
    read: (name) => guarded(() => JSON.parse(storage.get(name)), null),
    write: (name, value) => storage.set(name, JSON.stringify(value)),
  };
  return storage;
}
