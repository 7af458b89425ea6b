/* A map of our own pieces, drawn in the page's colours; a tile server's pictures instead where one is set. */
import { paint, prepare } from "./drawing.js";

const LEAFLET = new URL("../vendor/leaflet/", import.meta.url);
const LEVEL = 15; // the finest pieces; nearer than that the same ones are drawn larger
let leaflet;

/* Leaflet comes only where a map is shown. */
export function load() {
  leaflet ??= new Promise((done, failed) => {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("leaflet.css", LEAFLET) });
    const script = Object.assign(document.createElement("script"), { src: new URL("leaflet.js", LEAFLET), onload: () => done(window.L), onerror: failed });
    document.head.prepend(style);
    document.head.append(script);
  });
  return leaflet;
}

/* Call `then` when this part of the page comes near to what is seen; without its map the part is not shown, until there is a network. */
export function near(element, then) {
  const part = element.closest("#map-part");
  part.hidden = false;
  const watch = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watch.disconnect();
    then().catch(() => {
      part.hidden = true;
      leaflet = undefined;
      addEventListener("online", () => near(element, then), { once: true });
    });
  }, { rootMargin: "300px" });
  watch.observe(element);
}

export async function open(place, data, options = {}) {
  const L = await load();
  const { words } = place.dataset.wordsIn ? { words: place.dataset } : { words: {} };
  const bounds = data.bounds && L.latLngBounds([data.bounds[1], data.bounds[0]], [data.bounds[3], data.bounds[2]]);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(place, {
    attributionControl: false, zoomControl: false, minZoom: 12, maxZoom: 19, maxBounds: bounds?.pad(0.3),
    zoomAnimation: !still, fadeAnimation: false, markerZoomAnimation: !still, ...options,
  }).setView([data.lat, data.long], data.zoom);
  if (words.wordsIn && options.zoomControl !== false) {
    const at = document.dir === "rtl" ? "topright" : "topleft";
    L.control.zoom({ position: at, zoomInTitle: words.wordsIn, zoomOutTitle: words.wordsOut }).addTo(map);
  }
  (data.tiles ? L.tileLayer(data.tiles, { maxZoom: 19 }) : pieces(L, data.layers)).addTo(map);
  return map;
}

function pieces(L, address) {
  const known = new Map(); // address → promise of a prepared piece
  const piece = (z, x, y) => {
    const at = address.replace("{z}", z).replace("{x}", x).replace("{y}", y);
    if (!known.has(at)) {
      known.set(at, fetch(at).then((answer) => (answer.ok ? answer.json() : {})).then((found) => prepare(found, z, x, y)));
      known.get(at).catch(() => known.delete(at));
      if (known.size > 64) known.delete(known.keys().next().value);
    }
    return known.get(at);
  };
  const Pieces = L.GridLayer.extend({
    createTile({ x, y, z }, done) {
      const canvas = document.createElement("canvas"), sharp = Math.min(2, devicePixelRatio || 1);
      canvas.width = canvas.height = 256 * sharp;
      canvas.className = "piece";
      const level = Math.max(10, Math.min(LEVEL, z - 1)), times = 2 ** (z - level);
      piece(level, Math.floor(x / times), Math.floor(y / times))
        .then((found) => {
          paint(canvas, found, { zoom: z, sharp, left: (x % times) / times, top: (y % times) / times, times });
          done(null, canvas);
        })
        .catch((error) => done(error, canvas));
      return canvas;
    },
  });
  const layer = new Pieces({ updateWhenZooming: false, keepBuffer: 1 });
  const again = () => layer.redraw();
  addEventListener("online", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return layer;
}

/* A pin in the page's colours; no picture is fetched for it. */
export function pin(L, at, options = {}) {
  const icon = L.divIcon({ className: "pin", iconSize: [28, 36], iconAnchor: [14, 34] });
  return L.marker(at, { icon, ...options });
}

/* Asks what stands in the part that is seen, now and after each move, and hands it over; only the last answer counts. */
export function follow(map, address, query, show) {
  let asked = 0;
  const ask = async () => {
    const mine = ++asked, b = map.getBounds();
    const box = [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((one) => one.toFixed(6)).join(",");
    const found = await fetch(`${address}?${new URLSearchParams(query)}&bbox=${box}&zoom=${map.getZoom()}`).then((answer) => answer.json()).catch(() => null);
    if (found?.features && mine === asked) show(found.features);
  };
  map.on("moveend", ask);
  ask();
}

/* What is reported already, as dots and counts; `ask(query)` gives the address of what they say when they are chosen. */
export function reported(L, map, { pins, query, card, words }) {
  const layer = L.layerGroup().addTo(map);
  const draw = (features) => {
    layer.clearLayers();
    for (const one of features) {
      const [long, lat] = one.geometry.coordinates, { count, number, open } = one.properties;
      const says = number ? `${words.number} ${number}` : `${count} ${words.many}`;
      const html = Object.assign(document.createElement("span"), { textContent: number ? "" : count });
      const size = number ? 18 : Math.min(46, 26 + 5 * Math.log10(count) * 2);
      const icon = L.divIcon({ className: `dot${number ? "" : " many"}${open ? "" : " ended"}`, html, iconSize: [size, size] });
      const dot = L.marker([lat, long], { icon, title: says, alt: says, keyboard: true }).addTo(layer);
      dot.on("click", () => tell(dot, number ? { number } : { around: `${lat},${long}`, zoom: map.getZoom() }, count));
    }
  };
  const tell = async (dot, what, count) => {
    if (!what.number && map.getZoom() < 17) return map.setView(dot.getLatLng(), Math.min(18, map.getZoom() + 2));
    const answer = await fetch(`${card}${card.includes("?") ? "&" : "?"}${new URLSearchParams(what)}`).catch(() => null);
    if (!answer?.ok) return;
    const inside = document.createElement("div");
    inside.innerHTML = await answer.text();
    dot.unbindPopup().bindPopup(inside, { maxWidth: 280, className: "balloon", closeButton: true }).openPopup();
    inside.querySelector("a")?.focus({ preventScroll: true });
  };
  follow(map, pins, query, draw);
}
