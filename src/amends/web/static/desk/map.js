/* The queue on a map beside it: a dot a report by how its promise stands; where there are many, how many. */
import { follow, load, open } from "../report/map.js";

const place = document.getElementById("map"), part = document.getElementById("map-part");
const tabs = document.getElementById("tabs"), beside = document.getElementById("beside");
const data = JSON.parse(document.getElementById("map-data").textContent);
const rows = [...document.querySelectorAll("table.queue tr[data-lat]")];
const where = (row) => [Number(row.dataset.lat), Number(row.dataset.long)];
let map, here, L;

part.hidden = tabs.hidden = false;
for (const tab of tabs.children) {
  tab.addEventListener("click", () => {
    beside.dataset.show = tab.dataset.show;
    for (const one of tabs.children) one.setAttribute("aria-pressed", String(one === tab));
    if (map && map.getSize().x !== place.clientWidth) { map.invalidateSize(); fit(); }
  });
}
beside.dataset.show = "list";
addEventListener("resize", () => map?.invalidateSize());

const fit = () => { if (rows.length) map.fitBounds(L.latLngBounds(rows.map(where)), { maxZoom: 16, padding: [32, 32], animate: false }); };
const link = ({ number, category, state, standing, address }) => {
  const to = document.createElement("a"), says = document.createElement("p");
  Object.assign(to, { href: `/desk/reports/${number}`, textContent: `${number} ${category}` });
  says.append(to, document.createElement("br"), [address, `${state}, ${standing}`].filter(Boolean).join(" · "));
  return says;
};

function draw(layer, features) {
  layer.clearLayers();
  for (const { geometry, properties } of features) {
    const [long, lat] = geometry.coordinates, { count, number, standing, category, state } = properties;
    const size = count ? Math.min(48, 26 + 8 * Math.log10(count)) : 20;
    const html = Object.assign(document.createElement("span"), { textContent: count ?? data.marks[standing] });
    const says = count ? `${count} reports here, the worst ${standing}` : `${number} ${category}: ${state}, ${standing}`;
    const icon = L.divIcon({ className: `dot ${count ? "many " : ""}${standing.replace(" ", "-")}`, html, iconSize: [size, size] });
    const dot = L.marker([lat, long], { icon, title: says, alt: says, riseOnHover: true }).addTo(layer);
    const choose = count
      ? () => map.setView([lat, long], Math.min(19, map.getZoom() + 2))
      : () => { point([lat, long]); document.dispatchEvent(new CustomEvent("pin", { detail: number })); };
    if (!count) dot.bindPopup(link(properties), { className: "balloon" });
    dot.on("click", choose).on("keypress", ({ originalEvent }) => { if (originalEvent.key === "Enter") choose(); });
  }
}

/* A ring around the report that is chosen. */
function point(at) {
  here ??= L.marker(at, { icon: L.divIcon({ className: "ring", iconSize: [40, 40] }), interactive: false, keyboard: false, zIndexOffset: -1000 }).addTo(map);
  here.setLatLng(at);
}

document.addEventListener("row", ({ detail: row }) => {
  if (!map || !row.dataset.lat) return;
  point(where(row));
  if (!map.getBounds().pad(-0.05).contains(where(row))) map.panTo(where(row));
});

L = await load();
map = await open(place, data);
const layer = L.layerGroup().addTo(map);
if (place.clientWidth) fit();
follow(map, data.pins, data.query, (features) => draw(layer, features));
