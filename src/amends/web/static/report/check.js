/* The last look: sent from here; without a network it waits here, and goes by itself. */
import { later } from "./waiting.js";

const form = document.getElementById("send"), says = document.getElementById("send-says"), button = form.querySelector("button.main");
const AGAIN_MS = 10_000;

form.addEventListener("submit", async (event) => {
  if (event.submitter?.value !== "send" || form.dataset.leaving) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  button.disabled = true;
  says.textContent = form.dataset.sending;
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.status === 201) return gone(await answer.json());
  button.disabled = false;
  if (answer?.status === 422) return natively();
  if (answer && answer.status < 500) return wrong((await answer.json()).says);
  return wait(body);
});

/* The server says what is wrong, on its own page. */
function natively() {
  form.dataset.leaving = "1";
  form.requestSubmit(button);
}

function wrong(text) {
  says.textContent = text;
  says.className = "message error";
}

async function gone({ url }) {
  await self.queue?.draft.drop().catch(() => undefined);
  location.replace(url);
}

async function wait(body) {
  const values = [...body].filter(([name, value]) => typeof value === "string" && name !== "go");
  const what = [...document.querySelectorAll("dl.facts dd")].slice(0, 2).map((one) => one.textContent.trim()).join(", ");
  const mine = form.elements.form.value;
  try {
    await self.queue.keep({ form: mine, to: form.action, upload: form.dataset.upload, what, fields: values, photos: [], written: Date.now() });
  } catch {
    return wrong(form.dataset.notKept);
  }
  await self.queue.draft.drop().catch(() => undefined);
  says.textContent = form.dataset.waiting;
  says.className = "message wait";
  for (const one of form.querySelectorAll("button")) one.hidden = true;
  later();
  const look = async () => {
    const found = (await self.queue.all()).find((one) => one.form === mine);
    if (found?.state === "sent") location.replace(found.url);
    if (found?.state === "wrong") wrong(found.says);
  };
  self.queue.listen(look);
  addEventListener("online", () => self.queue.flush());
  return setInterval(() => self.queue.flush(), AGAIN_MS);
}
