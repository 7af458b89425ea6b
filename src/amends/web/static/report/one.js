/* Where one report lies. */
import { load, near, open, pin } from "./map.js";

const place = document.getElementById("map");
const data = JSON.parse(document.getElementById("map-data").textContent);
near(place, async () => {
  const L = await load();
  const still = { dragging: false, keyboard: false, scrollWheelZoom: false, doubleClickZoom: false, touchZoom: false, boxZoom: false, zoomControl: false };
  const map = await open(place, { ...data, lat: data.at[0], long: data.at[1] }, still);
  pin(L, data.at, { keyboard: false, interactive: false }).addTo(map);
  place.dataset.ready = "1";
});
