// Reads objects as a page would, for reader_test.cc: `node read.mjs FOLDER HOW RUN OBJECT...`
// prints each one's trace as a line of JSON, `node read.mjs FOLDER schema` the tables of the
// messages. It fetches by ranges of a file. Debian's node has no zstd: zstd(1) undoes it, given to
// the reader (HOW is `given`; `few`: two events at most), or in place of the platform's
// (`platform`), or not at all (`none`).
import {spawnSync} from 'node:child_process';
import {open} from 'node:fs/promises';

const [, , folder, how, run, ...objects] = process.argv;
const {enums, messages} = await import(`file://${folder}/trace_messages.js`);
const {readTrace} = await import(`file://${folder}/trace_reader.js`);

function decompress(bytes) {
  const done = spawnSync(
      'zstd', ['--decompress', '--stdout', '--quiet'], {input: bytes, maxBuffer: 8 << 20});
  if (done.status !== 0 || done.error) throw new Error('no zstd frame');
  return new Uint8Array(done.stdout);
}

// A stream of the platform's that knows nothing but zstd.
class ZstdStream {
  constructor(format) {
    if (how !== 'platform' || format !== 'zstd') throw new TypeError('no such format');
    const parts = [];
    const {readable, writable} = new TransformStream({
      transform: (part) => void parts.push(part),
      flush: (out) => out.enqueue(decompress(Buffer.concat(parts))),
    });
    Object.assign(this, {readable, writable});
  }
}
globalThis.DecompressionStream = ZstdStream;
const options = {
  given: {decompress},
  few: {decompress, eventsMax: 2}
}[how] ??
    {};

async function sourceOf(file) {
  const {size} = await file.stat();
  const fetchRange = async (from, to) => {
    const bytes = new Uint8Array(to - from);
    await file.read(bytes, 0, bytes.length, from);
    return bytes;
  };
  return {size, fetchRange};
}

if (how === 'schema') console.log(JSON.stringify({enums, messages}));
for (const object of objects) {
  const file = await open(object);
  const answer = await readTrace(await sourceOf(file), run, options).catch((error) => ({
                                                                             error: error.message
                                                                           }));
  console.log(JSON.stringify(answer));
  await file.close();
}
