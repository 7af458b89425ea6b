/* Photos: shown at once, made smaller here, sent ahead where there is a network, kept with the draft where there is none. */
import { takenAt } from "./exif.js";

const LONGEST_PX = 2048, SMALL_BYTES = 1_000_000;

export function photos(form, { changed, offer }) {
  const input = document.getElementById("photo"), list = document.getElementById("photos"), says = document.getElementById("photo-says");
  const words = list.dataset, most = Number(form.dataset.photos), drop = form.querySelector("label[for=photo]");
  const held = []; // {id, blob, name, item}
  const uploads = new Set();

  for (const item of list.querySelectorAll("li")) {
    const name = item.querySelector("input[name=photos]").value;
    adopt({ id: name, name, blob: null, item });
  }

  input.addEventListener("change", async () => {
    const files = [...input.files];
    input.value = "";
    says.textContent = files.length ? words.loading : "";
    for (const file of files) await add(file);
  });
  for (const kind of ["dragover", "drop"]) {
    drop?.addEventListener(kind, (event) => {
      event.preventDefault();
      if (kind === "drop") for (const file of event.dataTransfer.files) add(file);
    });
  }

  async function add(file) {
    if (held.length >= most) return tell(words.most, true);
    if (!file.type.startsWith("image/")) return tell(`${words.failed} ${file.name}`, true);
    const at = await takenAt(file), blob = await smaller(file);
    const one = { id: mark(), blob, name: "", item: document.createElement("li") };
    list.append(one.item);
    adopt(one);
    changed();
    if (at) offer(at);
    await up(one);
  }

  /* Give a photo its picture, its hidden field and its button. */
  function adopt(one) {
    held.push(one);
    const picture = Object.assign(document.createElement("img"), { alt: `${words.alt} ${held.length}`, width: 120, height: 90 });
    picture.src = one.blob ? URL.createObjectURL(one.blob) : one.item.querySelector("img")?.getAttribute("src") ?? `/photos/${one.name}.small.jpg`;
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: "photos", value: one.name, disabled: !one.name });
    const button = Object.assign(document.createElement("button"), { type: "button", className: "drop", textContent: "×" });
    button.setAttribute("aria-label", `${words.drop}: ${picture.alt}`);
    button.title = words.drop;
    button.addEventListener("click", () => {
      held.splice(held.indexOf(one), 1);
      one.item.remove();
      (list.querySelector("button") ?? input).focus();
      tell(words.gone);
      changed();
    });
    const state = Object.assign(document.createElement("small"), { className: "state" });
    state.setAttribute("role", "status");
    one.item.replaceChildren(picture, field, button, state);
    Object.assign(one, { field, state });
  }

  async function up(one) {
    one.item.classList.add("loading");
    const sending = send(one).finally(() => {
      one.item.classList.remove("loading");
      uploads.delete(sending);
    });
    uploads.add(sending);
    await sending;
    changed();
  }

  async function send(one) {
    const body = new FormData();
    body.append("photo", one.blob, "photo.jpg");
    const answer = await fetch(form.dataset.upload, { method: "POST", body }).catch(() => null);
    if (!answer || answer.status >= 500 || answer.status === 429) {
      tell("");
      one.state.textContent = words.waits;
      return undefined;
    }
    const told = await answer.json().catch(() => ({ says: "" }));
    if (!told.name) {
      held.splice(held.indexOf(one), 1);
      one.item.remove();
      return tell(`${words.failed} ${told.says}`, true);
    }
    one.name = one.field.value = told.name;
    one.field.disabled = false;
    one.state.textContent = "";
    if (told.at) offer(told.at);
    tell(words.done);
  }

  function tell(text, wrong = false) {
    says.textContent = text;
    says.classList.toggle("wrong", wrong);
  }

  return {
    all: () => held.map(({ id, blob, name }) => ({ id, blob, name })),
    waiting: () => held.filter((one) => !one.name).length,
    settle: async () => {
      await Promise.all(uploads);
      await Promise.all(held.filter((one) => !one.name).map(up));
    },
    restore: (kept) => {
      for (const { id, blob, name } of kept) {
        if (held.length >= most || held.some((one) => one.id === id || (name && one.name === name))) continue;
        const one = { id, blob, name, item: document.createElement("li") };
        list.append(one.item);
        adopt(one);
        if (!name) up(one);
      }
    },
    clear: () => {
      held.splice(0);
      list.replaceChildren();
      says.textContent = "";
    },
  };
}

export const mark = () => [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");

/* At most as large as we keep it, upright; the file itself where it is small, or cannot be read here. */
async function smaller(file) {
  if (file.size <= SMALL_BYTES) return file;
  try {
    const whole = await createImageBitmap(file), part = Math.min(1, LONGEST_PX / Math.max(whole.width, whole.height));
    const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(whole.width * part), height: Math.round(whole.height * part) });
    canvas.getContext("2d").drawImage(whole, 0, 0, canvas.width, canvas.height);
    whole.close();
    const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.86));
    return made && made.size < file.size ? made : file;
  } catch {
    return file;
  }
}
