import { setTimeout as pause } from 'node:timers/promises';
import type { Kind } from './kinds.ts';

/** What waits for a slow reader: beyond the soft limit, far below the hard one (`wire.md` section 9). */
const SLOW = { pieces: 4_000, gap: 0, padding: 800 };
const SLOW_MS = 2_000;

/** What waits for one that reads nothing: beyond the hard limit, whatever the kernel holds besides. */
const STUCK = { pieces: 22_000, gap: 0, padding: 1_000 };
/** It is closed after ten seconds of that. */
const STUCK_MS = 22_000;
const CLOSED_WITHIN = 30_000;
const SLOW_CONSUMER = 4413;
const CUT = 1006;

/** Does not read for a while; then everything comes, much of it merged. */
export const readSlowly: Kind = async (load, host) => {
  const opened = await load.open(host, { nonce: load.newNonce(), ...SLOW });
  if (!opened) return;
  opened.heard.isPrompt = false;
  host.client.pause();
  await pause(SLOW_MS);
  host.client.resume();
  await opened.heard.end();
  load.ledger.count('slow readers');
};

/** Never reads again, and is closed for that. */
export const neverRead: Kind = async (load, host) => {
  const { client } = host;
  const opened = await load.open(host, { nonce: load.newNonce(), ...STUCK });
  if (!opened) return;
  opened.heard.isPrompt = false;
  client.expected.add(SLOW_CONSUMER).add(CUT);
  client.pause();
  await pause(STUCK_MS);
  // A socket that is not read does not say that it was closed.
  client.resume();
  const { heard } = opened;
  const late = pause(CLOSED_WITHIN, undefined, { ref: false });
  await Promise.race([client.closed.then(() => load.ledger.count('closed as slow')), heard.ended, late]);
  // Its agent was replaced before it had said all of that: then it is owed the end like anybody else.
  if (heard.check.ending === 'stop') load.ledger.breach(`${host.name} was sent all, although it read nothing`);
  else if (!client.isOver && heard.check.ending === undefined) {
    load.ledger.breach(`${host.name} has read nothing for ${STUCK_MS} ms, and was not closed`);
  }
  await client.cut();
  await host.connect();
};
