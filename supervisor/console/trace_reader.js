// Reads a stored trace (docs/formats/trace.md) in a browser: from bytes, or by range requests
// straight from where objects are stored.
//
// It treats damage as the writer's own reader does: what is whole is read, and `incomplete_object`
// says that it was not all. Nothing in an object is trusted. The caller says how zstd is undone
// where the platform cannot (docs/adr/0020-trace-reader-in-javascript.md).
import {decode} from './trace_messages.js';
import {xxh64} from './xxh64.js';

const VERSION = 1;
const HEADER_BYTES = 16;
const BLOCK_HEADER_BYTES = 32;
const TRAILER_BYTES = 16;
const BLOCK_MARK = 0x4b424a4e;  // "NJBK"
const EVENTS = 1, FOOTER = 2;
// As in ipc/core/bounds.h.
const RAW_BYTES_MAX = 1 << 20;
const EVENT_BYTES_MAX = 16 << 10;
const EVENT_LEVELS = 57;
// Marks that turn out to be no block, while one is looked for in a damaged object.
const MISSES_MAX = 1000;
// A request's least: the end of an object has nearly always all of its footer, and blocks are asked
// for many at a time.
const TAIL_BYTES = 64 << 10;
const AHEAD_BYTES = 1 << 20;

const textOf = (bytes) => String.fromCharCode(...bytes);
const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

// A whole object in memory, as a source.
export function sourceOfBytes(buffer) {
  const bytes = new Uint8Array(buffer);
  return {size: bytes.length, fetchRange: async (from, to) => bytes.subarray(from, to)};
}

// zstd as the platform has it. An error: this one has none.
export function platformDecompress() {
  try {
    new DecompressionStream('zstd');
  } catch {
    throw new Error('this browser cannot undo zstd by itself');
  }
  return async (bytes, rawBytes) => {
    const reader =
        new Blob([bytes]).stream().pipeThrough(new DecompressionStream('zstd')).getReader();
    const raw = new Uint8Array(rawBytes);
    let at = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (part.value.length > rawBytes - at) {
        await reader.cancel();
        throw new Error('a block is larger than it says');
      }
      raw.set(part.value, at);
      at += part.value.length;
    }
    return raw.subarray(0, at);
  };
}

// An object's bytes, fetched in pieces. It keeps the newest two: the end, and where blocks are
// being read.
class Pieces {
  constructor({size, fetchRange}) {
    this.size = size;
    this.fetchRange = fetchRange;
    this.pieces = [];
  }
  // Null where the object has no such bytes.
  async get(from, count) {
    if (!Number.isSafeInteger(from) || from < 0 || count > this.size - from) return null;
    let piece =
        this.pieces.find(({start, bytes}) => from >= start && from + count <= start + bytes.length);
    if (piece === undefined) {
      const to = Math.min(this.size, from + Math.max(count, AHEAD_BYTES));
      piece = await this.fetch(from, to);
    }
    return piece.bytes.subarray(from - piece.start, from - piece.start + count);
  }
  async fetch(start, to) {
    const bytes = new Uint8Array(await this.fetchRange(start, to));
    if (bytes.length !== to - start)
      throw new Error(`asked for ${to - start} bytes and got ${bytes.length}`);
    this.pieces = [{start, bytes}, ...this.pieces.slice(0, 1)];
    return this.pieces[0];
  }
}

class Reader {
  constructor(source, decompress) {
    this.object = new Pieces(source);
    this.decompress = decompress;
    this.damaged = false;
    this.footer = null;
  }

  async open() {
    const {size} = this.object;
    if (size > 0) await this.object.fetch(Math.max(0, size - TAIL_BYTES), size);
    const header = await this.object.get(0, HEADER_BYTES);
    if (header === null || textOf(header.subarray(0, 8)) !== 'NJTRACE\n') {
      this.damaged = true;  // the blocks behind a damaged header are still worth a try
      return;
    }
    const version = viewOf(header).getUint32(8, true);
    if (version !== VERSION)
      throw new Error(
          `the stored trace is of format version ${version}; this program reads ${VERSION}`);
    this.footer = await this.readFooter();
    if (this.footer === null) this.damaged = true;
  }

  async readFooter() {
    const trailer = await this.object.get(this.object.size - TRAILER_BYTES, TRAILER_BYTES);
    if (trailer === null || textOf(trailer.subarray(8)) !== 'NJTREND\n') return null;
    const block = await this.openBlock(Number(viewOf(trailer).getBigUint64(0, true)));
    if (block === null || block.kind !== FOOTER) return null;
    try {
      return decode(block.raw, 'TraceFooter');
    } catch {
      return null;
    }
  }

  // Null: there is no whole block at `offset`, or its checksum is wrong.
  async openBlock(offset) {
    const header = await this.object.get(offset, BLOCK_HEADER_BYTES);
    if (header === null) return null;
    const [mark, kind, run, , rawBytes, storedBytes] =
        [0, 4, 8, 12, 16, 20].map((at) => viewOf(header).getUint32(at, true));
    if (mark !== BLOCK_MARK || rawBytes > RAW_BYTES_MAX) return null;
    const checksum = viewOf(header).getBigUint64(24, true);
    const stored = await this.object.get(offset + BLOCK_HEADER_BYTES, storedBytes);
    if (stored === null || xxh64(stored, xxh64(header.subarray(0, 24))) !== checksum) return null;
    let raw;
    try {
      raw = await this.decompress(stored, rawBytes);
    } catch {
      return null;
    }
    return raw.length === rawBytes ?
        {kind, run, raw, end: offset + BLOCK_HEADER_BYTES + storedBytes} :
        null;
  }

  // Each event's bytes to `sink`, in order. Without a footer, those of all runs.
  async readEvents(index, sink) {
    if (index >= 0) return this.readIndexed(index, sink);
    this.damaged = true;
    if (this.footer === null) await this.readSequentially(sink);
  }

  async readIndexed(index, sink) {
    let next = 0;
    for (const entry of this.footer.runs[index].blocks ?? []) {
      // Offsets only go up, or a forged index could have one block read for ever.
      const offset = Number(entry.offset ?? 0);
      const block = offset < next ? null : await this.openBlock(offset);
      if (block === null || block.kind !== EVENTS || block.run !== index ||
          !splitEvents(block.raw, sink)) {
        this.damaged = true;
        continue;
      }
      next = block.end;
    }
  }

  async readSequentially(sink) {
    let misses = MISSES_MAX;
    for (let at = await this.findMark(0); at !== null && misses > 0;) {
      const block = await this.openBlock(at);
      if (block === null)
        --misses;
      else if (block.kind === EVENTS)
        splitEvents(block.raw, sink);
      at = await this.findMark(block === null ? at + 4 : block.end);
    }
  }

  async findMark(from) {
    for (let at = from; at + 4 <= this.object.size;) {
      const bytes = await this.object.get(at, Math.min(TAIL_BYTES, this.object.size - at));
      for (let i = bytes.indexOf(0x4e); i >= 0 && i + 4 <= bytes.length;
           i = bytes.indexOf(0x4e, i + 1))
        if (viewOf(bytes).getUint32(i, true) === BLOCK_MARK) return at + i;
      at += bytes.length - 3;  // a mark may lie across two pieces
    }
    return null;
  }
}

// False: the content ends inside of an event.
function splitEvents(raw, sink) {
  for (let at = 0; at < raw.length;) {
    let size = 0;
    let shift = 0;
    let byte;
    do {
      if (at === raw.length || shift > 21) return false;
      byte = raw[at++];
      size |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    if (size > raw.length - at || size > EVENT_BYTES_MAX) return false;
    sink(raw.subarray(at, at + size));
    at += size;
  }
  return true;
}

// The trace of the run with this id (as text), as the control plane shows a TraceDocument. `source`
// is { size, fetchRange(from, to) }: the object's bytes from `from` to before `to`, as a promise.
// `decompress(bytes, rawBytes)` undoes one zstd frame: the bytes, or a promise of them, of which
// there are no more than `rawBytes`; it throws where they are none. Events beyond `eventsMax` are
// counted in `events_left_out`. `row` is missing without a readable footer: then the index's row
// has to do. An error: the object is of another version, or it could not be fetched.
export async function readTrace(source, runId, options = {}) {
  const reader = await openTrace(source, options);
  const runs = reader.footer?.runs ?? [];
  return readRun(reader, runs.findIndex((run) => run.row?.run_id === runId), options);
}

// An object whose `footer` has been read; null: it is damaged.
export async function openTrace(source, {decompress = platformDecompress()} = {}) {
  const reader = new Reader(source, decompress);
  await reader.open();
  return reader;
}

// The run at `index` of its footer, as readTrace() answers it; -1: all that can be read.
export async function readRun(reader, index, {eventsMax = 1_000_000} = {}) {
  const stored = reader.footer?.runs?.[index] ?? {};
  const document = {};
  if (stored.row !== undefined) document.row = stored.row;
  document.events = [];
  let seen = 0;
  let leftOut = 0;
  let unreadable = false;
  await reader.readEvents(index, (bytes) => {
    ++seen;
    if (document.events.length === eventsMax) {
      ++leftOut;
      return;
    }
    try {
      document.events.push(decode(bytes, 'TraceEvent', EVENT_LEVELS));
    } catch {
      unreadable = true;
    }
  });
  for (const part of ['tail', 'open_calls', 'stream_refused'])
    if (stored[part] !== undefined) document[part] = stored[part];
  if (reader.damaged || unreadable || BigInt(seen) < BigInt(stored.events ?? 0))
    document.incomplete_object = true;
  if (leftOut > 0) document.events_left_out = String(leftOut);
  return document;
}
