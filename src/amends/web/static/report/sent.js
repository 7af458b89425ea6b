/* The secret link to the clipboard; the due time by the reader's clock, where that is another one. */
const copy = document.getElementById("copy"), own = document.getElementById("own"), due = document.getElementById("due");
if (navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(own.textContent);
    copy.textContent = copy.dataset.done;
  });
}
if (due && Intl.DateTimeFormat().resolvedOptions().timeZone !== due.dataset.zone) {
  const at = new Date(due.dateTime), there = (timeZone) => at.toLocaleString(document.documentElement.lang, { timeZone, dateStyle: "full", timeStyle: "short" });
  if (there(undefined) !== there(due.dataset.zone)) due.textContent = `(${due.dataset.says} ${there(undefined)})`;
}
