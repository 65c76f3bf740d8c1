// Undoes zstd by zstd(1), for node. An error: it is none.
import {spawnSync} from 'node:child_process';

export function decompress(bytes) {
  const done = spawnSync(
      'zstd', ['--decompress', '--stdout', '--quiet'], {input: bytes, maxBuffer: 8 << 20});
  if (done.status !== 0 || done.error) throw new Error('no zstd frame');
  return new Uint8Array(done.stdout);
}
