/* The queue by keyboard, the map beside it, standard texts, and marking parts of a photo. All of it works without. */
document.addEventListener("DOMContentLoaded", () => {
  const rows = [...document.querySelectorAll("table.queue tbody tr")];
  let here = -1;
  const go = (to) => {
    if (!rows.length) return;
    rows[here]?.classList.remove("here");
    here = Math.max(0, Math.min(rows.length - 1, to));
    rows[here].classList.add("here");
    rows[here].querySelector("a.go").focus({ preventScroll: true });
    rows[here].scrollIntoView({ block: "nearest" });
  };
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
  const map = document.getElementById("map");
  if (map && window.L) draw(map);
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

function draw(place) {
  const { lat, long, zoom, tiles, attribution, pins } = place.dataset;
  const map = L.map(place).setView([Number(lat), Number(long)], Number(zoom));
  if (tiles) L.tileLayer(tiles, { attribution }).addTo(map);
  const colour = { late: "#a8322a", "at risk": "#d99a2b", running: "#14695a", paused: "#77736b", "no target": "#6a7fb5", over: "#a9a59c" };
  fetch(pins).then((answer) => answer.json()).then((found) => {
    const layer = L.geoJSON(found, {
      pointToLayer: (one, at) => L.circleMarker(at, { radius: 7, color: "#fff", weight: 1.5, fillColor: colour[one.properties.standing], fillOpacity: 1 }),
      onEachFeature: (one, dot) => {
        const { number, category, state, standing } = one.properties;
        const link = document.createElement("a");
        link.href = `/desk/reports/${number}`;
        link.textContent = `${number} ${category}: ${state}, ${standing}`;
        dot.bindPopup(link);
      },
    }).addTo(map);
    if (found.features.length) map.fitBounds(layer.getBounds(), { maxZoom: 17, padding: [24, 24] });
  });
}
