/* The queue by keyboard, standard texts, and marking parts of a photo. All of it works without. */
document.addEventListener("DOMContentLoaded", () => {
  const rows = [...document.querySelectorAll("table.queue tbody tr")];
  let here = -1;
  const go = (to, quiet = false) => {
    if (!rows.length) return;
    rows[here]?.classList.remove("here");
    here = Math.max(0, Math.min(rows.length - 1, to));
    rows[here].classList.add("here");
    document.dispatchEvent(new CustomEvent("row", { detail: rows[here] }));
    if (!quiet) rows[here].querySelector("a.go").focus({ preventScroll: true });
    rows[here].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("pin", ({ detail }) => { // chosen on the map
    const found = rows.findIndex((row) => row.dataset.number === String(detail));
    if (found >= 0) go(found, true);
  });
  for (const [n, row] of rows.entries()) {
    row.addEventListener("click", (event) => { if (!event.target.closest("a, input")) go(n); });
  }
  document.addEventListener("keydown", (event) => {
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox") return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "j") go(here + 1);
    else if (event.key === "k") go(here - 1);
    else if (event.key === "x" && rows[here]) rows[here].querySelector("input[type=checkbox]")?.click();
    else return;
    event.preventDefault();
  });
  document.getElementById("all")?.addEventListener("change", (event) => {
    for (const box of document.querySelectorAll("input[name=number]")) box.checked = event.target.checked;
  });
  for (const standard of document.querySelectorAll("select[data-into]")) {
    standard.addEventListener("change", () => {
      const into = document.getElementById(standard.dataset.into);
      if (standard.value) into.value = into.value.trim() ? `${into.value.trim()}\n${standard.value}` : standard.value;
    });
  }
  for (const figure of document.querySelectorAll("figure")) mark(figure);
});

/* Rectangles drawn on a photo become lines of left, top, width and height in percent. */
function mark(figure) {
  const place = figure.querySelector(".redact"), words = figure.querySelector("textarea.boxes");
  if (!place || !words) return;
  const details = words.closest("details"), canvas = document.createElement("canvas");
  const paint = (more) => {
    canvas.width = place.clientWidth; canvas.height = place.clientHeight;
    const pen = canvas.getContext("2d");
    pen.fillStyle = "rgb(0 0 0 / .85)";
    for (const line of [...words.value.split("\n"), more || ""]) {
      const [x, y, w, h] = line.trim().split(/[\s,]+/).map((part) => Number(part) / 100);
      if (w > 0 && h > 0) pen.fillRect(x * canvas.width, y * canvas.height, w * canvas.width, h * canvas.height);
    }
  };
  let from = null;
  const at = (event) => {
    const box = place.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top].map((value, n) =>
      Math.max(0, Math.min(100, (value / [box.width, box.height][n]) * 100)));
  };
  const line = (to) => [Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.abs(from[0] - to[0]), Math.abs(from[1] - to[1])].map((value) => value.toFixed(1)).join(" ");
  details.addEventListener("toggle", () => {
    place.classList.toggle("on", details.open);
    if (details.open) { place.append(canvas); paint(); } else canvas.remove();
  });
  place.addEventListener("pointerdown", (event) => { if (details.open) { from = at(event); place.setPointerCapture(event.pointerId); event.preventDefault(); } });
  place.addEventListener("pointermove", (event) => { if (from) paint(line(at(event))); });
  place.addEventListener("pointerup", (event) => {
    if (!from) return;
    const found = line(at(event));
    from = null;
    if (found.split(" ").slice(2).every((size) => Number(size) > 0.5)) words.value = `${words.value.trim()}\n${found}`.trim();
    paint();
  });
  words.addEventListener("input", () => paint());
}
