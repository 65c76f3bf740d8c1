// Reads objects in node, for reader_test.cc: `node read.mjs FOLDER WAY RUN OBJECT...` prints each
// one's trace as a line of JSON, `node read.mjs FOLDER schema` the tables of the messages. It
// fetches by ranges of a file. WAY: see ways.mjs; `patched` prints one line for all objects, of
// which the first is the base.
import {open} from 'node:fs/promises';

import {answerPatched, prepare} from './ways.mjs';
import {decompress} from './zstd.mjs';

const [, , folder, way, run, ...objects] = process.argv;
const {enums, messages} = await import(`file://${folder}/trace_messages.js`);
const {readTrace} = await import(`file://${folder}/trace_reader.js`);
const {readPatchedTrace, resultInForce} = await import(`file://${folder}/trace_patches.js`);
const options = prepare(way, decompress);

async function sourceOf(file) {
  const {size} = await file.stat();
  const fetchRange = async (from, to) => {
    const bytes = new Uint8Array(to - from);
    await file.read(bytes, 0, bytes.length, from);
    return bytes;
  };
  return {size, fetchRange};
}

if (way === 'schema') console.log(JSON.stringify({enums, messages}));
if (way === 'patched') {
  const files = await Promise.all(objects.map((object) => open(object)));
  const sources = await Promise.all(files.map(sourceOf));
  console.log(JSON.stringify(
      await answerPatched({readPatchedTrace, resultInForce}, run, sources, options)));
  await Promise.all(files.map((file) => file.close()));
}
for (const object of way === 'patched' ? [] : objects) {
  const file = await open(object);
  const answer = await readTrace(await sourceOf(file), run, options).catch((error) => ({
                                                                             error: error.message
                                                                           }));
  console.log(JSON.stringify(answer));
  await file.close();
}
