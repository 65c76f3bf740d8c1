// XXH64 of bytes, the checksum of a stored trace's blocks (docs/formats/trace.md). A BigInt in, a
// BigInt out; some megabytes a second, which is enough for what a page shows of a trace.

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const u64 = (number) => BigInt.asUintN(64, number);
const rotate = (number, bits) => u64(number << bits) | (number >> (64n - bits));
const round = (lane, input) => u64(rotate(u64(lane + input * P2), 31n) * P1);
const merge = (hash, lane) => u64((hash ^ round(0n, lane)) * P1 + P4);

export function xxh64(bytes, seed = 0n) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash;
  if (bytes.length >= 32) {
    const lanes = [u64(seed + P1 + P2), u64(seed + P2), u64(seed), u64(seed - P1)];
    for (; at + 32 <= bytes.length; at += 32)
      for (let lane = 0; lane < 4; ++lane)
        lanes[lane] = round(lanes[lane], view.getBigUint64(at + 8 * lane, true));
    hash =
        u64(rotate(lanes[0], 1n) + rotate(lanes[1], 7n) + rotate(lanes[2], 12n) +
            rotate(lanes[3], 18n));
    for (const lane of lanes) hash = merge(hash, lane);
  } else {
    hash = u64(seed + P5);
  }
  hash = u64(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8)
    hash = u64(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4);
  if (at + 4 <= bytes.length) {
    hash = u64(rotate(hash ^ u64(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < bytes.length; ++at) hash = u64(rotate(hash ^ u64(BigInt(bytes[at]) * P5), 11n) * P1);
  hash = u64((hash ^ (hash >> 33n)) * P2);
  hash = u64((hash ^ (hash >> 29n)) * P3);
  return hash ^ (hash >> 32n);
}
