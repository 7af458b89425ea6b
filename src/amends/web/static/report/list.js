/* The same reports on a map. */
import { load, near, open, reported } from "./map.js";

const place = document.getElementById("map");
const data = JSON.parse(document.getElementById("map-data").textContent);
near(place, async () => {
  const L = await load(), map = await open(place, data);
  reported(L, map, { pins: data.pins, query: data.query, card: data.card, words: place.dataset });
  place.dataset.ready = "1";
});
