// The messages in a stored trace, from protobuf's bytes to the objects that its JSON mapping makes
// of them: names as in the .proto files, 64-bit numbers as text, bytes as base64, what is zero or
// empty left out. So a reader of the control plane's answers reads these too.
//
// Bytes may come from a worker: a message that is not whole, is nested too deeply or has text that
// is not UTF-8 is an error. tests/console holds the tables against the .proto files.

// A field: [name, type], and behind it 'repeated' or the name of its oneof. A type that is no
// scalar is a message or an enum.
export const messages = {
  TraceFooter: {1: ['runs', 'StoredRun', 'repeated']},
  StoredRun: {
    1: ['row', 'TraceRow'],
    2: ['blocks', 'StoredBlock', 'repeated'],
    3: ['events', 'uint64'],
    4: ['event_bytes', 'uint64'],
    5: ['tail', 'TraceEvent', 'repeated'],
    6: ['open_calls', 'OpenCall', 'repeated'],
    7: ['calls_open', 'uint64'],
    8: ['stream_refused', 'string'],
  },
  StoredBlock: {1: ['offset', 'uint64'], 2: ['events', 'uint32'], 3: ['first_seq', 'uint64']},
  TraceRow: {
    1: ['run_id', 'string'],
    2: ['canvas', 'string'],
    3: ['handler', 'string'],
    4: ['tlid', 'uint64'],
    5: ['revision', 'uint64'],
    6: ['received_unix_us', 'int64'],
    7: ['verdict', 'Verdict'],
    8: ['detail', 'string'],
    9: ['http_status', 'uint32'],
    10: ['usage', 'Usage'],
    11: ['stored_bytes', 'uint64'],
    12: ['request_line', 'string'],
    13: ['caller', 'string'],
    14: ['rerun_of', 'string'],
    20: ['not_kept', 'NotKept'],
    21: ['not_kept_by', 'string'],
    22: ['events_not_kept', 'uint64'],
    25: ['machine', 'string'],
    34: ['patch', 'PatchOf'],
    44: ['imported_from', 'string'],
    45: ['imported_received_unix_us', 'int64'],
    55: ['policy_version', 'string'],
  },
  PatchOf: {
    1: ['run_id', 'string'],
    2: ['function', 'string'],
    3: ['call', 'uint64'],
    4: ['call_id', 'uint64'],
  },
  Usage: {
    1: ['wall_us', 'uint64'],
    2: ['cpu_us', 'uint64'],
    3: ['memory_peak_bytes', 'uint64'],
    4: ['pids_peak', 'uint64'],
    5: ['output_bytes', 'uint64'],
    6: ['trace_bytes', 'uint64'],
    7: ['trace_events', 'uint64'],
    8: ['trace_dropped', 'uint64'],
    9: ['queue_us', 'uint64'],
    10: ['steps', 'uint64'],
    11: ['value_bytes', 'uint64'],
  },
  OpenCall: {1: ['call', 'Call'], 2: ['open_ns', 'uint64'], 3: ['calls', 'uint64']},
  TraceEvent: {
    1: ['seq', 'uint64'],
    2: ['at_ns', 'uint64'],
    3: ['run_start', 'RunStart', 'kind'],
    4: ['call', 'Call', 'kind'],
    5: ['return', 'Return', 'kind'],
    6: ['branch', 'Branch', 'kind'],
    7: ['gap', 'Gap', 'kind'],
    8: ['run_end', 'RunEnd', 'kind'],
    9: ['output', 'Output', 'kind'],
  },
  RunStart: {
    1: ['run_id', 'bytes'],
    2: ['input', 'Value'],
    3: ['variables', 'Header', 'repeated'],
    4: ['variables_cut', 'bool'],
  },
  Call: {
    1: ['call_id', 'uint64'],
    2: ['parent', 'uint64'],
    3: ['kind', 'CallKind'],
    4: ['fn', 'string'],
    5: ['expr_id', 'uint64'],
    6: ['args', 'Value', 'repeated'],
    7: ['result', 'Value'],
  },
  Return: {1: ['call_id', 'uint64'], 2: ['result', 'Value'], 3: ['elapsed_ns', 'uint64']},
  Branch: {1: ['expr_id', 'uint64'], 2: ['arm', 'uint32']},
  Gap: {1: ['dropped', 'uint64']},
  Output: {1: ['stream', 'uint32'], 2: ['data', 'bytes']},
  RunEnd: {1: ['result', 'Value']},
  Value: {
    1: ['int', 'sint64', 'kind'],
    2: ['float', 'double', 'kind'],
    3: ['bool', 'bool', 'kind'],
    4: ['null', 'Unit', 'kind'],
    5: ['string', 'string', 'kind'],
    6: ['character', 'string', 'kind'],
    7: ['list', 'ValueList', 'kind'],
    8: ['tuple', 'ValueList', 'kind'],
    9: ['object', 'ValueObject', 'kind'],
    10: ['function', 'string', 'kind'],
    11: ['error', 'ErrorValue', 'kind'],
    12: ['incomplete', 'Unit', 'kind'],
    13: ['error_rail', 'Value', 'kind'],
    14: ['response', 'ResponseValue', 'kind'],
    15: ['datastore', 'string', 'kind'],
    16: ['date_ms', 'sint64', 'kind'],
    17: ['password', 'Unit', 'kind'],
    18: ['uuid', 'bytes', 'kind'],
    19: ['just', 'Value', 'kind'],
    20: ['nothing', 'Unit', 'kind'],
    21: ['ok', 'Value', 'kind'],
    22: ['error_result', 'Value', 'kind'],
    23: ['bytes', 'bytes', 'kind'],
    30: ['truncated', 'Truncated'],
  },
  Unit: {},
  Truncated: {1: ['bytes', 'uint64'], 2: ['hash', 'fixed64']},
  ValueList: {1: ['items', 'Value', 'repeated']},
  ValueField: {1: ['key', 'string'], 2: ['value', 'Value']},
  ValueObject: {1: ['fields', 'ValueField', 'repeated']},
  ErrorValue: {1: ['message', 'string'], 2: ['expr_id', 'uint64']},
  Header: {1: ['name', 'string'], 2: ['value', 'string']},
  ResponseValue: {
    1: ['status', 'uint32'],
    2: ['headers', 'Header', 'repeated'],
    3: ['body', 'Value'],
    4: ['redirect', 'string']
  },
};

// In the order of their numbers, from 0.
export const enums = {
  CallKind: [
    'CALL_KIND_UNSPECIFIED', 'CALL_KIND_FUNCTION', 'CALL_KIND_LAMBDA', 'CALL_KIND_BUILTIN',
    'CALL_KIND_PROGRAM'
  ],
  NotKept: ['NOT_KEPT_NOTHING', 'NOT_KEPT_SAMPLE', 'NOT_KEPT_BYTES', 'NOT_KEPT_EVENTS'],
  Verdict: [
    'VERDICT_UNSPECIFIED',    'VERDICT_FINISHED',      'VERDICT_PROGRAM_ERROR',
    'VERDICT_WALL_TIME',      'VERDICT_CPU_TIME',      'VERDICT_MEMORY',
    'VERDICT_PIDS',           'VERDICT_OUTPUT',        'VERDICT_TRACE',
    'VERDICT_CALL_DEPTH',     'VERDICT_PROTOCOL',      'VERDICT_CRASHED',
    'VERDICT_DENIED_SYSCALL', 'VERDICT_WORKER_EXITED', 'VERDICT_OPERATOR',
    'VERDICT_STOPPING',       'VERDICT_START_FAILED',  'VERDICT_SUPERVISOR_LOST',
    'VERDICT_REFUSED',        'VERDICT_STEPS',
  ],
};

const VARINT = 0, FIXED64 = 1, LENGTH = 2, GROUP = 3, GROUP_END = 4, FIXED32 = 5;
const WIRE = {
  double: FIXED64,
  fixed64: FIXED64,
  string: LENGTH,
  bytes: LENGTH
};
const wireOf = (type) => (type in messages ? LENGTH : WIRE[type] ?? VARINT);

// Protobuf's text is UTF-8 without exception, and a mark at its beginning belongs to it.
const utf8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

class Bytes {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }
  get done() { return this.at === this.bytes.length; }
  take(count) {
    if (count > this.bytes.length - this.at) throw new Error('a field is cut off');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
  varint() {
    let number = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0];
      number |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, number);
    }
    throw new Error('a number of more than ten bytes');
  }
  length() {
    const size = this.varint();
    if (size > BigInt(this.bytes.length)) throw new Error('a field is cut off');
    return this.take(Number(size));
  }
  fixed64() { return (this.take(8), this.view.getBigUint64(this.at - 8, true)); }
  double() { return (this.take(8), this.view.getFloat64(this.at - 8, true)); }
  // At most five bytes, of which 32 bits count: so do protobuf's own parsers.
  tag() {
    const from = this.at;
    const tag = BigInt.asUintN(32, this.varint());
    if (this.at - from > 5 || tag < 8n) throw new Error('no field has this number');
    return {number: Number(tag >> 3n), wire: Number(tag & 7n)};
  }
  // What a field of this kind holds is passed over.
  skip(number, wire, levels) {
    if (wire === VARINT) return void this.varint();
    if (wire === FIXED64) return void this.take(8);
    if (wire === LENGTH) return void this.length();
    if (wire === FIXED32) return void this.take(4);
    if (wire !== GROUP || levels === 0) throw new Error('a field of no kind');
    for (let tag = this.tag(); tag.wire !== GROUP_END || tag.number !== number; tag = this.tag()) {
      if (tag.wire === GROUP_END) throw new Error('a group ends that never began');
      this.skip(tag.number, tag.wire, levels - 1);
    }
  }
}

function base64(bytes) {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function floatingPoint(number) { return Number.isFinite(number) ? number : String(number); }

function readScalar(input, type) {
  switch (type) {
    case 'uint64':
      return input.varint().toString();
    case 'int64':
      return BigInt.asIntN(64, input.varint()).toString();
    case 'sint64': {
      const number = input.varint();
      return BigInt.asIntN(64, (number >> 1n) ^ -(number & 1n)).toString();
    }
    case 'fixed64':
      return input.fixed64().toString();
    case 'uint32':
      return Number(BigInt.asUintN(32, input.varint()));
    case 'bool':
      return input.varint() !== 0n;
    case 'double':
      return floatingPoint(input.double());
    case 'string':
      return utf8.decode(input.length());
    case 'bytes':
      return base64(input.length());
    default: {
      const number = Number(BigInt.asIntN(32, input.varint()));
      return enums[type][number] ?? number;
    }
  }
}

// What protobuf's JSON leaves out.
function isZero(value, type) {
  if (type === 'string' || type === 'bytes') return value === '';
  if (type in enums) return value === enums[type][0];
  return value === false || Number(value) === 0;
}

// Into `target`: a field that comes again replaces what it was, and a message adds to it.
function readInto(target, bytes, name, levels) {
  const fields = messages[name];
  const input = new Bytes(bytes);
  while (!input.done) {
    const {number, wire} = input.tag();
    const [field, type, how] = fields[number] ?? [];
    if (field === undefined || wire !== wireOf(type)) {
      input.skip(number, wire, levels);
      continue;
    }
    const isMessage = type in messages;
    if (isMessage && levels === 0) throw new Error('nested too deeply');
    if (how !== undefined && how !== 'repeated')
      for (const other of Object.values(fields))
        if (other[2] === how && other[0] !== field) delete target[other[0]];
    if (how === 'repeated') {
      (target[field] ??= []).push(readInto({}, input.length(), type, levels - 1));
    } else if (isMessage) {
      target[field] = readInto(target[field] ?? {}, input.length(), type, levels - 1);
    } else {
      const value = readScalar(input, type);
      if (how === undefined && isZero(value, type))
        delete target[field];
      else
        target[field] = value;
    }
  }
  return target;
}

// An error where the bytes are no message of this kind, or `levels` of messages in it are not
// enough.
export function decode(bytes, name, levels = 100) { return readInto({}, bytes, name, levels); }
