// Puts a stored trace and its patches together in a browser, as the control plane's answer does
// (docs/adr/0028-changing-the-past.md). It reads objects; where they come from is the caller's
// matter. An object that is no patch of this trace is left out and named: nothing is guessed.
import {openTrace, readRun, readTrace} from './trace_reader.js';

const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

// What one object has: { id, document }, or { why } it is no patch of `baseId`.
async function readPatch(source, baseId, options) {
  let reader;
  try {
    reader = await openTrace(source, options);
  } catch (error) {
    return {why: error.message};
  }
  if (reader.footer === null) return {why: 'its footer is damaged: it does not say what it patches'};
  const runs = reader.footer.runs ?? [];
  // Or a forged footer could have the same blocks read for each of its runs.
  if (runs.length !== 1) return {why: `it has ${runs.length} runs, and a patch is one`};
  const {run_id: id = '', patch} = runs[0].row ?? {};
  if (!RUN_ID.test(id)) return {why: 'its run has no id'};
  if (patch === undefined) return {why: `it is run ${id}, which is no patch`};
  if (patch.run_id !== baseId) return {why: `it is a patch of ${patch.run_id ?? 'no run'}`};
  return {id, document: await readRun(reader, 0, options)};
}

// The trace of `runId` in the object `base` with those of its patches that `patches` has, objects
// in any order: { document, refused }. `document` is a TraceDocument with `patches`, oldest first;
// `refused` says of each other object at which place it was in `patches`, and why it is left out.
// Of two objects of one patch the whole one counts, or the first. Sources, `options` and errors are
// readTrace's, for the base; a patch that cannot be fetched or read is refused.
export async function readPatchedTrace(base, runId, patches, options = {}) {
  const document = await readTrace(base, runId, options);
  const taken = new Map();
  const refused = [];
  for (const [object, source] of patches.entries()) {
    const found = await readPatch(source, runId, options).catch((error) => ({why: error.message}));
    if (found.why !== undefined) {
      refused.push({object, why: found.why});
      continue;
    }
    const why = `it is patch ${found.id} once more`;
    const other = taken.get(found.id);
    const better = other?.document.incomplete_object && !found.document.incomplete_object;
    if (other === undefined || better) taken.set(found.id, {object, document: found.document});
    if (other !== undefined) refused.push({object: better ? other.object : object, why});
  }
  refused.sort((a, b) => a.object - b.object);
  // An id begins with the inverted time.
  const ids = [...taken.keys()].sort().reverse();
  if (ids.length > 0) document.patches = ids.map((id) => taken.get(id).document);
  return {document, refused};
}

// What is in force for the base's call with this id (a number, a BigInt or text): { patch, result }.
// `patch` is the newest patch of that call, null where there is none and the call's own result
// counts. `result` is missing where the call or the patch has none: it was killed, say, or that
// event is missing. Null: the document knows no such call. `document` may be the control plane's.
export function resultInForce(document, callId) {
  const id = String(callId);
  const of = (message) => message?.call_id ?? '0';
  // A patch with other arguments (call 0) replaces no call.
  const patch = (document.patches ?? [])
                    .filter(({row}) => (row.patch.call ?? '0') !== '0' && of(row.patch) === id)
                    .at(-1) ?? null;
  const events = (patch ?? document).events ?? [];
  if (patch !== null) return found(patch, events.findLast((event) => event.run_end)?.run_end);
  const call = events.find((event) => event.call && of(event.call) === id)?.call;
  const end = events.find((event) => event.return && of(event.return) === id)?.return;
  return call || end ? found(null, end ?? call) : null;
}

function found(patch, {result} = {}) {
  return result === undefined ? {patch} : {patch, result};
}
