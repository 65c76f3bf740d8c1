// Reads objects in Chromium, for reader_test.cc: arguments and output are read.mjs's, after a
// folder for the browser's own files. It serves page.mjs on the loopback, and ends the browser once
// it has the page's answers.
import {spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {fileURLToPath} from 'node:url';

import {decompress} from './zstd.mjs';

const TIME_MS = 120_000;

const [, , profile, folder, way, run, ...objects] = process.argv;
const here = fileURLToPath(new URL('.', import.meta.url));
const page = '<!doctype html><script type="module" src="/page/page.mjs"></script>';

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function sendScript(response, path) {
  response.setHeader('content-type', 'text/javascript');
  response.end(readFileSync(path));
}

function sendObject(request, response, path) {
  const bytes = readFileSync(path);
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  const part = range === null ? bytes : bytes.subarray(Number(range[1]), Number(range[2]) + 1);
  response.statusCode = range === null ? 200 : 206;
  response.setHeader('content-length', part.length);
  response.end(request.method === 'HEAD' ? undefined : part);
}

function sendRaw(response, bytes) {
  try {
    response.end(decompress(bytes));
  } catch {
    response.statusCode = 422;
    response.end();
  }
}

let browser = null;

// A process group of its own: it has helpers.
function kill() {
  try {
    if (browser !== null) process.kill(-browser.pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
process.on('exit', kill);

// It ends its helpers first, so that nobody writes to the profile afterwards.
async function endBrowser() {
  if (browser === null || browser.exitCode !== null || browser.signalCode !== null) return;
  const ended = new Promise((resolve) => browser.once('exit', resolve));
  browser.kill('SIGTERM');
  await ended;
}

let settle;
const said = new Promise((resolve, reject) => settle = {resolve, reject});
const server = createServer(async (request, response) => {
  const [, kind, name] = request.url.split('/');
  if (kind === '') return response.setHeader('content-type', 'text/html').end(page);
  if (kind === 'task') return response.end(JSON.stringify({way, run, objects: objects.length}));
  if (kind === 'reader') return sendScript(response, `${folder}/${name}`);
  if (kind === 'page') return sendScript(response, here + name);
  if (kind === 'object') return sendObject(request, response, objects[Number(name)]);
  if (kind === 'unzstd') return sendRaw(response, await bodyOf(request));
  const text = (await bodyOf(request)).toString();
  response.end();
  if (kind === 'answers') settle.resolve(text);
  if (kind === 'failed') settle.reject(new Error(text));
});
server.listen(0, '127.0.0.1', () => {
  // It runs no page but ours; its own sandbox will not have root.
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
                 '--disable-breakpad', '--no-first-run', `--user-data-dir=${profile}`];
  browser = spawn('chromium', [...flags, `http://127.0.0.1:${server.address().port}/`],
                  {detached: true, stdio: 'ignore'});
  browser.on('error', settle.reject);
  browser.on('exit', (code) => settle.reject(new Error(`chromium ended with ${code}`)));
});
setTimeout(() => settle.reject(new Error('the page did not answer in time')), TIME_MS).unref();

try {
  const answers = await said;
  if (answers !== '') console.log(answers);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
await endBrowser();
server.close();
server.closeAllConnections();
