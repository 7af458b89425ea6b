/* Where a photo was taken, read on this device, so that it need not be sent to be offered. Null where its file does not say. */
const HEAD = 256 * 1024, GPS = 0x8825;

export async function takenAt(file) {
  try {
    const view = new DataView(await file.slice(0, HEAD).arrayBuffer());
    const start = exif(view);
    return start ? position(view, start) : null;
  } catch {
    return null; // a damaged head says nothing
  }
}

/* The beginning of the TIFF part of a JPEG. */
function exif(view) {
  if (view.getUint16(0) !== 0xffd8) return 0;
  for (let at = 2; view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
    if (view.getUint8(at + 1) === 0xe1 && view.getUint32(at + 4) === 0x45786966) return at + 10;
    if (view.getUint8(at + 1) === 0xda) return 0;
  }
  return 0;
}

function position(view, start) {
  const little = view.getUint16(start) === 0x4949;
  const long = (at) => view.getUint32(at, little), short = (at) => view.getUint16(at, little);
  const entries = (at) => new Map(Array.from({ length: short(at) }, (_, n) => [short(at + 2 + 12 * n), at + 2 + 12 * n]));
  const pointer = entries(start + long(start + 4)).get(GPS);
  if (!pointer) return null;
  const gps = entries(start + long(pointer + 8));
  const degrees = (tag) => {
    const at = start + long(gps.get(tag) + 8);
    return [0, 1, 2].reduce((sum, n) => sum + long(at + 8 * n) / (long(at + 8 * n + 4) || 1) / 60 ** n, 0);
  };
  const letter = (tag) => String.fromCharCode(view.getUint8(gps.get(tag) + 8));
  const lat = degrees(2) * (letter(1) === "S" ? -1 : 1), east = degrees(4) * (letter(3) === "W" ? -1 : 1);
  return Math.abs(lat) <= 90 && Math.abs(east) <= 180 && (lat || east) ? { lat, long: east } : null;
}
