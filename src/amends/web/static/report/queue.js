/* What waits on this device: one draft, and reports that are sent as soon as there is a network. Used by the page and by its service worker. */
(() => {
  const FRESH_MS = 7 * 86_400_000; // how long a sent report is shown here
  const news = "BroadcastChannel" in self ? new BroadcastChannel("amends-report") : null;
  const listeners = new Set();
  let opened;

  const wait = (request) => new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  const database = () => (opened ??= new Promise((done, failed) => {
    const asked = indexedDB.open("amends-report", 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("drafts");
      asked.result.createObjectStore("reports", { keyPath: "form" });
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  }));
  const store = async (name, mode) => (await database()).transaction(name, mode).objectStore(name);
  const changed = () => {
    for (const one of listeners) one();
    news?.postMessage("changed");
  };
  if (news) news.onmessage = () => listeners.forEach((one) => one());

  /* Photos first, each once; then the report with their names. The form's mark makes a second try the same report. */
  async function send(report) {
    for (const photo of report.photos) {
      if (photo.name) continue;
      const body = new FormData();
      body.append("photo", photo.blob, "photo.jpg");
      const answer = await fetch(report.upload, { method: "POST", body });
      if (answer.status >= 500 || answer.status === 429) return "later";
      const told = await answer.json();
      photo.name = told.name ?? "none"; // what is no photo is left out, and that is told
      await wait((await store("reports", "readwrite")).put(report));
    }
    const body = new FormData();
    for (const [name, value] of report.fields) body.append(name, value);
    for (const { name } of report.photos) if (name !== "none") body.append("photos", name);
    body.append("go", "send");
    body.append("waited_s", Math.max(0, Math.round((Date.now() - report.written) / 1000)));
    const answer = await fetch(report.to, { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer.status >= 500 || answer.status === 429) return "later";
    const told = await answer.json();
    if (answer.status === 201) Object.assign(report, { state: "sent", ...told, sent: Date.now(), lost: report.photos.some((one) => one.name === "none"), fields: [], photos: [] });
    else Object.assign(report, { state: "wrong", says: told.says ?? told.problems?.map((one) => one.says).join(" ") ?? "" });
    return report.state;
  }

  async function pass() {
    for (const report of await queue.all()) {
      if (report.state !== "waiting") continue;
      try {
        if ((await send(report)) === "later") return false;
      } catch {
        return false; // no network: the next time
      }
      await wait((await store("reports", "readwrite")).put(report));
      changed();
    }
    return true;
  }

  const queue = (self.queue = {
    async keep(report) {
      await wait((await store("reports", "readwrite")).put({ photos: [], ...report, state: "waiting" }));
      changed();
    },
    async all() {
      const found = await wait((await store("reports", "readonly")).getAll());
      const old = found.filter((one) => one.state === "sent" && Date.now() - one.sent > FRESH_MS);
      for (const one of old) await queue.drop(one.form);
      return found.filter((one) => !old.includes(one)).sort((one, other) => one.written - other.written);
    },
    async drop(form) {
      await wait((await store("reports", "readwrite")).delete(form));
      changed();
    },
    /* Send all that waits; false where something still does. Two pages and the worker never do so at once. */
    flush: () => (self.navigator.locks ? self.navigator.locks.request("amends-report", pass) : pass()),
    listen: (one) => listeners.add(one),
    draft: {
      get: async () => wait((await store("drafts", "readonly")).get("now")),
      put: async (draft) => wait((await store("drafts", "readwrite")).put(draft, "now")),
      drop: async () => wait((await store("drafts", "readwrite")).delete("now")),
    },
  });
})();
