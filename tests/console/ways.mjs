// How the reader is given zstd, by the name of the way: to the reader itself (`given`; `few`: for
// two events at most), in place of the platform's (`platform`), or not at all (`none`). For node
// and for a page: neither of Debian's has zstd.
function streamOf(decompress) {
  // A stream of the platform's that knows nothing but zstd.
  return class {
    constructor(format) {
      if (format !== 'zstd') throw new TypeError('no such format');
      const parts = [];
      const {readable, writable} = new TransformStream({
        transform: (part) => void parts.push(part),
        flush: async (out) => out.enqueue(
            await decompress(new Uint8Array(await new Blob(parts).arrayBuffer()))),
      });
      Object.assign(this, {readable, writable});
    }
  };
}

// The reader's options.
export function prepare(way, decompress) {
  const refusing = class {
    constructor() {
      throw new TypeError('no such format');
    }
  };
  globalThis.DecompressionStream = way === 'platform' ? streamOf(decompress) : refusing;
  return {given: {decompress}, patched: {decompress}, few: {decompress, eventsMax: 2}}[way] ?? {};
}

// The first source with the others as its patches, and what is in force for its calls 1 to 4.
export async function answerPatched({readPatchedTrace, resultInForce}, run, sources, options) {
  const [base, ...patches] = sources;
  const answer = await readPatchedTrace(base, run, patches, options);
  const inForce = [1, 2n, '3', 4].map((call) => resultInForce(answer.document, call));
  return {
    ...answer,
    in_force: inForce.map((one) => one && {patch: one.patch?.row.run_id ?? '', ...one.result}),
  };
}
