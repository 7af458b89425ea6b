/* The same reports on a map. */
import { load, near, open, reported } from "./map.js";

const place = document.getElementById("map");
const data = JSON.parse(document.getElementById("map-data").textContent);
document.getElementById("to-map").hidden = false; // where the map stands below the list
near(place, async () => {
  const L = await load(), map = await open(place, data);
  await fit(L, map);
  reported(L, map, { pins: data.pins, query: data.query, card: data.card, words: place.dataset });
  place.dataset.ready = "1";
});

/* The map opens where these reports are, as far as it has counted them. */
async function fit(L, map) {
  if (!data.bounds) return;
  const found = await fetch(`${data.pins}?${new URLSearchParams(data.query)}&bbox=${data.bounds}&zoom=12`).then((answer) => answer.json()).catch(() => null);
  const points = (found?.features ?? []).map(({ geometry: { coordinates: [long, lat] } }) => [lat, long]);
  if (points.length) map.fitBounds(L.latLngBounds(points), { maxZoom: 16, padding: [40, 40], animate: false });
}
