import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** Says in HOME/run/broker.json where a server of the benchmark's own listens, so that it is found as the daemon is. */
export function announce(home: string, address: AddressInfo | string | null): void {
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  const run = join(home, 'run');
  mkdirSync(run, { recursive: true });
  const file = join(run, 'broker.json');
  // Whole or not at all: somebody polls for it.
  writeFileSync(`${file}.new`, JSON.stringify({ pid: process.pid, url: `ws://127.0.0.1:${address.port}` }));
  renameSync(`${file}.new`, file);
}
