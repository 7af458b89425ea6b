/* What waits on this device, or was sent from it, as a list on the page; and when to try again. */
const AGAIN_MS = 15_000;

export function waiting({ mend }) {
  const card = document.getElementById("queue"), list = card.querySelector("ul"), words = card.dataset;
  let timer;

  const button = (text, then) => {
    const one = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: text });
    one.addEventListener("click", then);
    return one;
  };

  function item(report) {
    const one = document.createElement("li"), head = document.createElement("strong"), told = document.createElement("span");
    one.className = report.state;
    head.textContent = report.what;
    told.textContent = { waiting: words.waiting, sent: `${words.sent} ${report.number}`, wrong: `${words.wrong}: ${report.says}` }[report.state];
    told.className = `tag ${{ waiting: "wait", sent: "good", wrong: "bad" }[report.state]}`;
    one.append(head, " ", told);
    if (report.state === "wrong") told.className = "wrong";
    if (report.state === "sent") {
      const promise = Object.assign(document.createElement("p"), { className: "done", textContent: report.promise ? `${words.promised} ${report.promise}` : words.none });
      const link = Object.assign(document.createElement("a"), { href: report.url, textContent: words.open, className: "button" });
      const row = Object.assign(document.createElement("p"), { className: "row" });
      row.append(link, button(words.drop, () => self.queue.drop(report.form)));
      one.append(promise, report.lost ? Object.assign(document.createElement("p"), { className: "wrong", textContent: words.lost }) : "", row);
    } else {
      const row = Object.assign(document.createElement("p"), { className: "row" });
      if (report.state === "wrong") row.append(button(words.mend, () => mend(report)));
      else row.append(Object.assign(document.createElement("small"), { textContent: words.keptHere }));
      row.append(button(words.drop, () => confirm(words.sure) && self.queue.drop(report.form)));
      one.append(row);
    }
    return one;
  }

  async function show() {
    const found = await self.queue.all().catch(() => []);
    list.replaceChildren(...found.map(item));
    card.hidden = !found.length;
    clearTimeout(timer);
    if (found.some((one) => one.state === "waiting")) timer = setTimeout(flush, AGAIN_MS);
  }

  const flush = async () => {
    await self.queue.flush().catch(() => false);
    await show();
  };

  self.queue.listen(show);
  addEventListener("online", flush);
  return { show, flush };
}

/* The worker tries as well when the page is closed, where the browser lets it. */
export async function later() {
  const worker = await navigator.serviceWorker?.getRegistration("/report").catch(() => null);
  await worker?.sync?.register("reports").catch(() => undefined);
}
