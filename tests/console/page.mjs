// Reads objects in a page that browse.mjs serves, as read.mjs does in node. It fetches by range
// requests.
import {enums, messages} from '/reader/trace_messages.js';
import {readPatchedTrace, resultInForce} from '/reader/trace_patches.js';
import {readTrace} from '/reader/trace_reader.js';

import {answerPatched, prepare} from './ways.mjs';

const post = (url, body) => fetch(url, {method: 'POST', body});

async function decompress(bytes) {
  const answer = await post('/unzstd', bytes);
  if (!answer.ok) throw new Error('no zstd frame');
  return new Uint8Array(await answer.arrayBuffer());
}

async function sourceOf(url) {
  const size = Number((await fetch(url, {method: 'HEAD'})).headers.get('content-length'));
  const fetchRange = async (from, to) => {
    const answer = await fetch(url, {headers: {range: `bytes=${from}-${to - 1}`}});
    if (answer.status !== 206) throw new Error(`a range was answered with ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
  return {size, fetchRange};
}

async function readAll({way, run, objects}) {
  if (way === 'schema') return [{enums, messages}];
  const options = prepare(way, decompress);
  if (way === 'patched') {
    const sources = await Promise.all(
        Array.from({length: objects}, (_, object) => sourceOf(`/object/${object}`)));
    return [await answerPatched({readPatchedTrace, resultInForce}, run, sources, options)];
  }
  const answers = [];
  for (let object = 0; object < objects; ++object)
    answers.push(await readTrace(await sourceOf(`/object/${object}`), run, options)
                     .catch((error) => ({error: error.message})));
  return answers;
}

try {
  const answers = await readAll(await (await fetch('/task')).json());
  await post('/answers', answers.map((answer) => JSON.stringify(answer)).join('\n'));
} catch (error) {
  await post('/failed', error.stack);
}
