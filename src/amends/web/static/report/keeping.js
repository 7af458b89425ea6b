/* The draft on this device: saved while one types, given back when the page is opened again. */
const PAUSE_MS = 400;
const LEFT = new Set(["photos", "photo", "leave_this_empty", "drop", "go"]);

export const fields = (form) => [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !LEFT.has(name));

/* Whether somebody has begun: the form's mark, its privacy and what is empty are no beginning. */
export const begun = (draft) => draft.photos.length > 0 || draft.fields.some(([name, value]) => value && !["form", "privacy", "asked"].includes(name));

export function keeping(form, photos) {
  let timer, off = false;
  const now = async () => {
    clearTimeout(timer);
    if (off) return;
    const draft = { fields: fields(form), photos: photos.all(), at: Date.now() };
    await (begun(draft) ? self.queue.draft.put(draft) : self.queue.draft.drop()).catch(() => undefined); // a browser that keeps nothing
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(now, PAUSE_MS);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && now());
  return { now, soon, stop: () => (off = true), go: () => (off = false) };
}

/* Put a draft's values back into the fields that there are. */
export function fill(form, values) {
  const given = new Map();
  for (const [name, value] of values) given.set(name, [...(given.get(name) ?? []), value]);
  for (const field of form.elements) {
    if (!field.name || !given.has(field.name) || field.type === "file") continue;
    const found = given.get(field.name);
    if (field.type === "radio" || field.type === "checkbox") field.checked = found.includes(field.value);
    else field.value = found[0];
  }
}
