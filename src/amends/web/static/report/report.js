/* The form made easier; without this script it works as well. */
import { begun, fields, fill, keeping } from "./keeping.js";
import { mark, photos } from "./photos.js";
import { placing } from "./placing.js";
import { later, waiting } from "./waiting.js";

const REACH_MS = 5000, MOST_KEPT = 40;
const form = document.getElementById("report"), network = document.getElementById("network");
const questions = document.getElementById("questions"), look = document.getElementById("look");
document.documentElement.classList.add("js");
if (form.dataset.fresh) form.elements.form.value = mark(); // a kept page has the mark of an earlier report

let keep;
const changed = () => keep?.soon();
const place = placing(form, { changed });
const pictures = photos(form, { changed, offer });
keep = keeping(form, pictures);
const line = waiting({ mend });

/* Where a photo was taken, offered and never just taken. */
function offer(at) {
  const before = form.querySelector(".offered span");
  if (before && at.address) before.textContent = at.address; // the same place, as the server calls it
  if (before || place.outside(at)) return;
  const words = document.getElementById("photos").dataset, box = document.createElement("p");
  box.className = "offered";
  const use = Object.assign(document.createElement("button"), { type: "button", textContent: words.use });
  use.addEventListener("click", async () => {
    box.remove();
    const spot = await place.put(at.lat, at.long);
    document.getElementById("photo-says").textContent = `${words.placed} ${spot?.dataset.address ?? ""}`;
    document.getElementById("where").focus();
  });
  const called = Object.assign(document.createElement("span"), { textContent: at.address || `${at.lat.toFixed(5)}, ${at.long.toFixed(5)}` });
  box.append(`${words.at} `, called, use);
  document.getElementById("photos").after(box);
}

const asks = (code) => `${form.dataset.questions.replace("CODE", encodeURIComponent(code))}?lang=${form.dataset.lang}`;

/* The questions of a category, with what was answered before where the same is asked. */
async function ask() {
  const chosen = form.querySelector("input[name=category]:checked");
  const before = fields(form).filter(([name]) => name.startsWith("answer-"));
  document.getElementById("asset-number").classList.toggle("off", !chosen?.dataset.assets);
  if (!chosen?.dataset.assets && form.elements.asset_number.value) {
    place.hold();
    form.elements.asset_number.value = "";
  }
  const answer = chosen && "asks" in chosen.dataset ? await fetch(asks(chosen.value)).catch(() => null) : null;
  if (chosen !== form.querySelector("input[name=category]:checked")) return;
  questions.innerHTML = answer?.ok ? await answer.text() : "";
  fill(form, before);
}

form.addEventListener("change", async ({ target }) => {
  if (target.name === "category") {
    await ask();
    place.categoryChanged();
  }
  if (target.name === "privacy") who();
});
const who = () => {
  const gone = form.elements.privacy.value === "anonymous";
  form.querySelector(".contact").hidden = gone;
};

form.addEventListener("submit", async (event) => {
  const button = event.submitter ?? form.querySelector("button.main");
  if (button.value !== "check" || form.dataset.leaving) return;
  event.preventDefault();
  form.setAttribute("aria-busy", "true");
  await keep.now();
  await pictures.settle();
  await keep.now();
  const there = !pictures.waiting() && (await reached());
  form.removeAttribute("aria-busy");
  if (!there) return lookOffline();
  form.dataset.leaving = "1";
  return form.requestSubmit(button);
});

const reached = () => fetch(form.dataset.reach, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(REACH_MS) }).then((answer) => answer.ok).catch(() => false);

/* Without a network: the same look before it goes, made here. */
function lookOffline() {
  network.textContent = network.dataset.offline;
  network.hidden = false;
  const missing = missed();
  if (missing.length) return problems(missing);
  document.getElementById("problems")?.remove();
  const facts = look.querySelector("dl"), words = facts.dataset, privacy = form.querySelector("input[name=privacy]:checked");
  const name = (input) => input.closest("label").querySelector("span").firstChild.textContent.trim();
  const { where, lat, long, asset_number: number, description } = form.elements;
  const rows = [
    [words.what, name(form.querySelector("input[name=category]:checked"))],
    [words.where, [number.value, where.value || [lat.value, long.value].filter(Boolean).join(", ")].filter(Boolean).join(", ")],
    ...[...questions.querySelectorAll(".question")].map(answered).filter(([, said]) => said),
    [words.description, description.value],
    [words.photos, pictures.all().length || ""],
    [words.you, name(privacy)],
  ];
  facts.replaceChildren(...rows.filter(([, said]) => said).flatMap(([asked, said]) => [
    Object.assign(document.createElement("dt"), { textContent: asked }), Object.assign(document.createElement("dd"), { textContent: said }),
  ]));
  form.hidden = true;
  look.hidden = false;
  look.focus();
  look.scrollIntoView({ block: "start" });
  return undefined;
}

function answered(part) {
  const asked = part.querySelector("legend, label").firstChild.textContent.trim();
  const ticked = [...part.querySelectorAll("input:checked")].map((one) => one.closest("label").textContent.trim());
  const field = part.querySelector("select, textarea, input:not([type=radio], [type=checkbox])");
  return [asked, ticked.join(", ") || (field?.selectedOptions && field.value ? field.selectedOptions[0].textContent : field?.value) || ""];
}

/* What the server would miss for certain; all at once. */
function missed() {
  const words = look.dataset, { where, lat, asset_number: number, description } = form.elements, chosen = form.querySelector("input[name=category]:checked");
  const found = [];
  if (!chosen) found.push(["category", words.needCategory]);
  if (![where, lat, number].some((one) => one.value.trim()) && !form.querySelector("input[name=asset]:checked")?.value) found.push(["where", words.needWhere]);
  for (const part of questions.querySelectorAll("[data-required]")) {
    const [asked, said] = answered(part);
    if (!said) found.push([part.id || part.querySelector("[id]").id, `${words.needAnswer} ${asked}`]);
  }
  if (chosen && !("asks" in chosen.dataset) && !description.value.trim() && !pictures.all().length) found.push(["description", words.needWords]);
  if (form.elements.privacy.value === "named" && !form.elements.name.value.trim()) found.push(["name", words.needName]);
  return found;
}

function problems(missing) {
  document.getElementById("problems")?.remove();
  const box = Object.assign(document.createElement("div"), { id: "problems", className: "message error", tabIndex: -1 });
  const list = document.createElement("ul");
  box.setAttribute("role", "alert");
  for (const [field, text] of missing) {
    const link = Object.assign(document.createElement("a"), { href: `#${field}`, textContent: text }), one = document.createElement("li");
    link.addEventListener("click", () => document.getElementById(field)?.focus());
    one.append(link);
    list.append(one);
  }
  box.append(Object.assign(document.createElement("h2"), { textContent: look.dataset.again }), list);
  form.before(box);
  box.focus();
}

document.getElementById("change").addEventListener("click", () => {
  look.hidden = true;
  form.hidden = false;
  form.querySelector("button.main").focus();
});

document.getElementById("keep").addEventListener("click", async () => {
  const what = [...look.querySelectorAll("dd")].slice(0, 2).map((one) => one.textContent).join(", ");
  const values = [...fields(form), ["as_written", "1"]]; // where the map does not know the place, the words will do
  const upload = form.dataset.upload;
  try {
    await self.queue.keep({ form: form.elements.form.value, to: form.action, upload, what, fields: values, photos: pictures.all(), written: Date.now() });
  } catch {
    network.textContent = look.dataset.notKept;
    network.hidden = false;
    return;
  }
  await empty();
  look.hidden = true;
  form.hidden = false;
  await line.show();
  const card = document.getElementById("queue");
  card.focus();
  card.scrollIntoView({ block: "center" });
  later();
  line.flush().then(state);
});

/* An empty form for another report. */
async function empty() {
  keep.stop();
  await self.queue.draft.drop().catch(() => undefined);
  form.reset();
  for (const one of form.querySelectorAll("input:is([type=text], [type=email], [type=tel], :not([type])), textarea")) one.value = "";
  for (const one of form.querySelectorAll("input[name=category]")) one.checked = false;
  form.elements.form.value = mark();
  pictures.clear();
  place.clear();
  for (const one of form.querySelectorAll(".offered, .restored")) one.remove();
  document.getElementById("around").replaceChildren();
  await ask();
  who();
  keep.go();
}

/* A kept draft, or a report that could not be sent as it was, back in the form. */
async function bring(draft) {
  fill(form, draft.fields.filter(([name]) => name === "category"));
  await ask();
  fill(form, draft.fields);
  pictures.restore(draft.photos);
  who();
  place.shown();
  place.ask({ asset: draft.fields.find(([name]) => name === "asset")?.[1] ?? "" });
}

async function mend(report) {
  await bring(report);
  await self.queue.drop(report.form);
  await keep.now();
  form.querySelector("button.main").scrollIntoView({ block: "center" });
}

function restored() {
  const words = document.getElementById("queue").dataset, box = document.createElement("div");
  box.className = "message restored";
  box.setAttribute("role", "status");
  const anew = Object.assign(document.createElement("button"), { type: "button", textContent: words.fresh });
  anew.addEventListener("click", async () => {
    await empty();
    document.getElementById("photo").focus();
  });
  box.append(Object.assign(document.createElement("span"), { textContent: words.restored }), anew);
  form.prepend(box);
}

function state() {
  network.textContent = network.dataset.offline;
  network.hidden = navigator.onLine;
}
addEventListener("offline", state);
addEventListener("online", async () => {
  state();
  if (pictures.waiting()) await pictures.settle();
});

async function begin() {
  state();
  document.getElementById("asset-number").classList.remove("nojs");
  document.getElementById("asset-number").classList.toggle("off", !form.querySelector("input[name=category]:checked")?.dataset.assets);
  who();
  const draft = form.dataset.fresh ? await self.queue.draft.get().catch(() => null) : null;
  if (draft && begun(draft)) {
    await bring(draft);
    restored();
  } else if (form.dataset.fresh && form.querySelector("input[name=category]:checked") && !questions.children.length) await ask();
  await line.show();
  line.flush();
  form.dataset.ready = "1";
  worker().catch(() => undefined); // a browser that keeps nothing
}

/* The worker comes after everything that somebody waits for; then this page and its questions are kept for when there is no network. */
async function worker() {
  if (!navigator.serviceWorker || !self.caches) return;
  await navigator.serviceWorker.register(form.dataset.reach, { scope: "/report" });
  await navigator.serviceWorker.ready;
  const codes = [...form.querySelectorAll("input[name=category][data-asks]")].slice(0, MOST_KEPT).map((one) => one.value);
  const cache = await caches.open("report-pages"), q = new URLSearchParams(location.search).get("lang");
  await cache.addAll([...new Set([`/report${q ? `?lang=${q}` : ""}`, ...codes.map(asks)])]);
  document.documentElement.dataset.kept = "1";
}
begin();
