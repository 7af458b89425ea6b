/* The place: on the map, by the phone's own position, from a list of things with numbers, or in words. */
import { finding } from "./finding.js";
import { load, near, open, pin, reported } from "./map.js";

const PAUSE_MS = 250, THINGS_FROM = 17;

export function placing(form, { changed }) {
  const place = document.getElementById("map");
  const says = document.getElementById("where-says"), around = document.getElementById("around");
  const data = JSON.parse(document.getElementById("map-data")?.textContent ?? "null");
  const { where, lat, long, asset_number: number } = form.elements;
  let map, marker, things, timer, asked = 0;

  const category = () => form.querySelector("input[name=category]:checked");
  const at = () => (lat.value && long.value ? [Number(lat.value), Number(long.value)] : null);

  /* The pin at a point; in words where they are known, else as the server calls it. */
  function put(north, east, { text = "", asset = "", painted = "" } = {}) {
    lat.value = north.toFixed(6);
    long.value = east.toFixed(6);
    where.value = text;
    if (number) number.value = painted;
    show(north, east);
    changed();
    return ask({ asset, naming: !text });
  }

  function show(north, east, { pan = true } = {}) {
    if (!map) return;
    marker ??= pin(window.L, [north, east], { draggable: true, autoPan: true, title: says.dataset.pin, alt: says.dataset.pin })
      .on("dragend", () => put(marker.getLatLng().lat, marker.getLatLng().lng)).addTo(map);
    marker.setLatLng([north, east]);
    if (pan) map.setView([north, east], Math.max(map.getZoom(), 17));
  }

  function clear() {
    lat.value = long.value = "";
    marker?.remove();
    marker = undefined;
  }

  /* What the server knows of the place: its address, the things and the reports around it. */
  async function ask({ asset = "", naming = false } = {}) {
    const mine = ++asked, query = new URLSearchParams({ lang: form.dataset.lang });
    const given = { category: category()?.value ?? "", where: where.value, lat: lat.value, long: long.value, asset, asset_number: asset ? "" : number?.value ?? "" };
    for (const [name, value] of Object.entries(given)) if (value) query.set(name, value);
    if (!given.lat && !given.where && !given.asset && !given.asset_number) return around.replaceChildren();
    const answer = await fetch(`${form.dataset.around}?${query}`).catch(() => null);
    if (!answer?.ok || mine !== asked) return undefined;
    around.innerHTML = await answer.text();
    const spot = around.querySelector("#spot");
    if (!spot) return undefined;
    if (naming && spot.dataset.address) where.value = spot.dataset.address;
    if (spot.dataset.lat && !at()) show(Number(spot.dataset.lat), Number(spot.dataset.long));
    changed();
    return spot;
  }

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  };

  finding(where, {
    search: form.dataset.search,
    chosen: (one) => put(one.lat, one.long, { text: one.text }),
    edited: () => {
      if (at()) clear();
      for (const one of form.querySelectorAll("input[name=place]")) one.checked = false;
      form.querySelector("input[name=place][type=hidden]")?.remove();
    },
  });
  where.addEventListener("change", () => at() || soon());
  number?.addEventListener("change", soon);
  for (const field of [lat, long]) {
    field.addEventListener("change", () => {
      if (at()?.every(Number.isFinite)) show(...at());
      soon();
    });
  }
  around.addEventListener("change", ({ target }) => {
    if (target.name !== "asset") return;
    if (number) number.value = target.dataset.number ?? "";
    if (!target.value) return changed();
    lat.value = target.dataset.lat;
    long.value = target.dataset.long;
    show(...at());
    return changed();
  });

  document.getElementById("here")?.addEventListener("click", () => {
    says.textContent = says.dataset.locating;
    navigator.geolocation.getCurrentPosition(
      async ({ coords }) => {
        if (data.bounds && outside(data.bounds, coords)) return void (says.textContent = says.dataset.outside);
        const spot = await put(coords.latitude, coords.longitude);
        said(spot);
      },
      () => (says.textContent = says.dataset.denied),
      { enableHighAccuracy: true, timeout: 15_000 },
    );
  });
  document.getElementById("centre")?.addEventListener("click", middle);

  async function middle() {
    const { lat: north, lng: east } = map.getCenter();
    said(await put(north, east));
  }
  const said = (spot) => (says.textContent = `${says.dataset.pin} ${spot?.dataset.address || `${lat.value}, ${long.value}`}`);

  if (place) near(place, begin);

  async function begin() {
    const L = await load();
    map = await open(place, data);
    map.on("click", async ({ latlng }) => said(await put(latlng.lat, latlng.lng)));
    place.addEventListener("keydown", (event) => {
      if (event.target !== place || event.key !== "Enter") return;
      event.preventDefault();
      middle();
    });
    reported(L, map, { pins: data.pins, query: { state: "open" }, card: data.card, words: place.dataset });
    things = L.layerGroup().addTo(map);
    map.on("moveend", stand);
    if (at()?.every(Number.isFinite)) show(...at());
    else {
      const spot = around.querySelector("#spot");
      if (spot?.dataset.lat) show(Number(spot.dataset.lat), Number(spot.dataset.long));
    }
    stand();
    place.dataset.ready = "1";
  }

  /* The things with numbers that belong to the category, where the map is near enough to choose one. */
  async function stand() {
    const layer = category()?.dataset.assets, L = window.L;
    if (!layer || map.getZoom() < THINGS_FROM) return things.clearLayers();
    const b = map.getBounds(), box = [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((one) => one.toFixed(5)).join(",");
    const found = await fetch(`${data.things.replace("LAYER", layer)}?bbox=${box}`).then((answer) => answer.json()).catch(() => null);
    if (!found) return undefined;
    things.clearLayers();
    for (const { geometry, properties } of found.features) {
      const [east, north] = geometry.coordinates, { asset_id: id, number: painted = id } = properties;
      L.circleMarker([north, east], { radius: 6, className: "thing", bubblingMouseEvents: false })
        .bindTooltip(painted, { direction: "top" })
        .on("click", async () => said(await put(north, east, { asset: id, painted })))
        .addTo(things);
    }
    return undefined;
  }

  /* The place of a thing stays when its number no longer matters. */
  function hold() {
    const spot = around.querySelector("#spot");
    if (at() || !spot?.dataset.lat) return;
    lat.value = spot.dataset.lat;
    long.value = spot.dataset.long;
    where.value ||= spot.dataset.address;
  }

  return {
    put, ask, clear, hold,
    shown: () => at() && show(...at()),
    categoryChanged: () => {
      soon();
      if (map) stand();
    },
    outside: (one) => data?.bounds && outside(data.bounds, { latitude: one.lat, longitude: one.long }),
  };
}

const outside = ([west, south, east, north], { latitude, longitude }) => longitude < west || longitude > east || latitude < south || latitude > north;
