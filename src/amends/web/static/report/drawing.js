/* How a piece of the map is drawn: land, buildings, streets and their names, in the colours that the style sheet gives. */
const SIZE = 4096; // a piece is so many units wide
const WIDTHS = { trunk: 9, primary: 8, secondary: 7.5, tertiary: 7, residential: 5.5, unclassified: 5.5, living_street: 5, pedestrian: 5, service: 3.2 };
const WAYS = new Set(["footway", "path", "steps", "cycleway", "track", "bridleway"]);
const WATER = new Set(["water", "reservoir", "basin", "river"]);
const GREEN = new Set(["forest", "wood", "park", "grass", "vineyard", "orchard", "pitch", "playground", "meadow", "cemetery"]);

/* GeoJSON to paths, once a piece. */
export function prepare(found, z, x, y) {
  const project = ([long, lat]) => {
    const sine = Math.sin((lat * Math.PI) / 180);
    const down = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
    return [((long / 360 + 0.5) * 2 ** z - x) * SIZE, (down * 2 ** z - y) * SIZE];
  };
  const land = [], buildings = new Path2D(), streets = [];
  for (const one of found.land?.features ?? []) {
    const kind = one.properties.kind, line = one.geometry.type.includes("Line");
    const as = WATER.has(kind) ? "water" : GREEN.has(kind) ? "green" : line ? "rail" : "built";
    land.push({ as, line, path: trace(new Path2D(), one.geometry, project) });
  }
  for (const one of found.buildings?.features ?? []) trace(buildings, one.geometry, project);
  for (const one of found.streets?.features ?? []) {
    const kind = String(one.properties.kind ?? "").replace("_link", "");
    const lines = one.geometry.type === "LineString" ? [one.geometry.coordinates] : one.geometry.coordinates;
    streets.push({
      way: WAYS.has(kind), main: (WIDTHS[kind] ?? 4) > 6.5, wide: WIDTHS[kind] ?? 4, name: one.properties.name ?? "",
      path: trace(new Path2D(), one.geometry, project), line: lines[0].map(project),
    });
  }
  streets.sort((one, other) => one.wide - other.wide);
  return { land, buildings, streets };
}

function trace(path, { type, coordinates }, project) {
  const deep = { Point: [], LineString: [coordinates], MultiLineString: coordinates, Polygon: coordinates, MultiPolygon: coordinates.flat() }[type] ?? [];
  for (const ring of deep) {
    ring.forEach((at, n) => (n ? path.lineTo(...project(at)) : path.moveTo(...project(at))));
    if (type.includes("Polygon")) path.closePath();
  }
  return path;
}

/* One square of 256 px out of a piece that is `times` as wide. */
export function paint(canvas, found, { zoom, sharp, left, top, times }) {
  const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--map-${name}`).trim();
  const scale = (256 * times) / SIZE, px = 1 / scale;
  pen.fillStyle = colour("ground");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  if (!found.land) return;
  pen.setTransform(scale * sharp, 0, 0, scale * sharp, -left * times * 256 * sharp, -top * times * 256 * sharp);
  pen.lineCap = pen.lineJoin = "round";
  for (const { as, line, path } of found.land) {
    pen.strokeStyle = pen.fillStyle = colour(as);
    pen.lineWidth = px * (as === "water" ? 2 : 1);
    line ? pen.stroke(path) : pen.fill(path, "evenodd");
  }
  if (zoom >= 15) {
    pen.fillStyle = colour("building");
    pen.fill(found.buildings, "evenodd");
    pen.strokeStyle = colour("edge");
    pen.lineWidth = px * 0.7;
    if (zoom >= 17) pen.stroke(found.buildings);
  }
  ways(pen, found.streets.filter((one) => one.way), zoom, px, colour);
  roads(pen, found.streets.filter((one) => !one.way), zoom, px, colour);
  if (zoom >= 16) names(pen, found.streets, scale, sharp, { x: -left * times * 256, y: -top * times * 256 }, colour);
}

function ways(pen, streets, zoom, px, colour) {
  if (zoom < 15) return;
  pen.strokeStyle = colour("way");
  pen.lineWidth = px * (zoom >= 17 ? 1.6 : 1);
  pen.setLineDash([px * 3, px * 3]);
  for (const { path } of streets) pen.stroke(path);
  pen.setLineDash([]);
}

function roads(pen, streets, zoom, px, colour) {
  const grown = 1.55 ** (zoom - 16);
  for (const [edge, fill] of [[1, "edge"], [0, ""]]) {
    for (const { path, wide, main } of streets) {
      if (zoom < 13 && !main) continue;
      pen.strokeStyle = colour(fill || (main ? "main" : "street"));
      pen.lineWidth = px * (Math.max(1, wide * grown) + edge * (zoom >= 15 ? 1.6 : 1));
      pen.stroke(path);
    }
  }
}

/* A street's name along it, where it is straight and long enough; the same from each square that it crosses. */
function names(pen, streets, scale, sharp, off, colour) {
  pen.font = "500 11.5px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  const seen = [];
  for (const { name, line } of [...streets].reverse()) {
    if (!name) continue;
    const wide = pen.measureText(name).width + 10, at = stretch(line, wide / scale);
    if (!at) continue;
    const x = at.x * scale, y = at.y * scale;
    if (seen.some((one) => Math.abs(one.x - x) < (one.wide + wide) / 2 && Math.abs(one.y - y) < (one.name === name ? 180 : 16 + (Math.abs(Math.sin(at.turn)) * wide) / 2))) continue;
    seen.push({ x, y, wide, name });
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.translate(x + off.x, y + off.y);
    pen.rotate(at.turn);
    pen.strokeStyle = colour("halo");
    pen.lineWidth = 3;
    pen.strokeText(name, 0, 0);
    pen.fillStyle = colour("ink");
    pen.fillText(name, 0, 0);
  }
}

/* The middle of a line and its direction there, if a text of this length lies well on it. */
function stretch(line, wide) {
  const along = [0];
  for (let n = 1; n < line.length; n += 1) along.push(along[n - 1] + Math.hypot(line[n][0] - line[n - 1][0], line[n][1] - line[n - 1][1]));
  const length = along.at(-1);
  if (length < wide) return null;
  const at = (far) => {
    const n = Math.max(1, along.findIndex((one) => one >= far));
    const part = (far - along[n - 1]) / (along[n] - along[n - 1] || 1);
    return [line[n - 1][0] + part * (line[n][0] - line[n - 1][0]), line[n - 1][1] + part * (line[n][1] - line[n - 1][1])];
  };
  const [x1, y1] = at(length / 2 - wide / 2), [x2, y2] = at(length / 2 + wide / 2);
  if (Math.hypot(x2 - x1, y2 - y1) < wide * 0.94) return null;
  let turn = Math.atan2(y2 - y1, x2 - x1);
  if (Math.abs(turn) > Math.PI / 2) turn += turn > 0 ? -Math.PI : Math.PI;
  return { x: (x1 + x2) / 2, y: (y1 + y2) / 2, turn };
}
