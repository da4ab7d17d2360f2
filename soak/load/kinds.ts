import { setTimeout as pause } from 'node:timers/promises';
import { type Fields, GONE } from './client.ts';
import type { Host } from './host.ts';
import { comeBack, leave, takeOver, watch } from './kinds-resuming.ts';
import { neverRead, readSlowly } from './kinds-slow.ts';
import type { Load } from './load.ts';
import { someMode, someScript } from './script.ts';

/** A turn's whole life at its host, which is connected and idle before and after. */
export type Kind = (load: Load, host: Host) => Promise<void>;

const NOT_FOUND = -32014;
const AGENT_REJECTED = -32012;
const NOT_PENDING = -32016;
const DEADLINE_EXCEEDED = -32004;
/** A cancelled turn's own agent may have that long. Milliseconds. */
const GRACE = 3_000;

const plain: Kind = async (load, host) => {
  const opened = await load.open(host, someScript(load.random, load.newNonce(), { isCalm: true }));
  await opened?.heard.end();
};

const withTool: Kind = async (load, host) => {
  const tool = someMode(load.random);
  const opened = await load.open(host, someScript(load.random, load.newNonce(), { tool, isCalm: true }));
  await opened?.heard.end();
};

async function approve(load: Load, host: Host, params: object): Promise<void> {
  const reply = await host.client.call('agents.chat.approve', params);
  if (reply.code === 0) return;
  // The agent was replaced, and its turn with it; or it was late, and the approval is pending again.
  load.expect(reply, 'agents.chat.approve', new Set([NOT_FOUND, AGENT_REJECTED, NOT_PENDING, DEADLINE_EXCEEDED]));
  if (reply.code === DEADLINE_EXCEEDED) await approve(load, host, params);
}

const withApproval: Kind = async (load, host) => {
  const script = someScript(load.random, load.newNonce(), { asks: true });
  const onEvent = ({ kind, session_id, approval_id }: Fields) => {
    if (kind === 'approval_pending') void approve(load, host, { session_id, approval_id, decision: true });
  };
  const opened = await load.open(host, script, { onEvent });
  await opened?.heard.end();
};

const cancelled: Kind = async (load, host) => {
  const tool = load.random.chance(0.3) ? { tool: someMode(load.random) } : {};
  const script = someScript(load.random, load.newNonce(), tool);
  const opening = load.open(host, script, { isCancelled: true });
  // Some are cancelled before their agents have heard of them.
  const opened = load.random.chance(0.2) ? undefined : await opening;
  await opened?.heard.events(load.random.between(1, script.pieces));
  const grace_ms = load.random.chance(0.5) ? GRACE : 0;
  const reply = await host.client.call('agents.chat.cancel', { session_id: `s-${script.nonce}`, grace_ms });
  load.ledger.count('cancels');
  if (reply.code !== 0) load.expect(reply, 'agents.chat.cancel', new Set([NOT_FOUND, GONE.code]));
  await (await opening)?.heard.end();
};

/** Two turns in one session: the second one has the first cancelled, or waits for it. */
const busy: Kind = async (load, host) => {
  const replaces = load.random.chance(0.5);
  const first = await load.open(host, someScript(load.random, load.newNonce()), { isCancelled: replaces });
  if (!first) return;
  await first.heard.events(load.random.between(1, 5));
  const params = { session_id: first.ack.session_id, on_busy: replaces ? 'replace' : 'queue' };
  const second = await load.open(host, someScript(load.random, load.newNonce()), { params });
  await first.heard.end();
  await second?.heard.end();
  load.ledger.count('turns in a busy session');
};

/** Goes, without a word, in the middle of a turn that does not wait for anybody. */
const abandoned: Kind = async (load, host) => {
  const tool = load.random.chance(0.3) ? { tool: someMode(load.random) } : {};
  const opened = await load.open(host, someScript(load.random, load.newNonce(), tool));
  await opened?.heard.events(load.random.between(1, 10));
  if (load.random.chance(0.5)) await host.client.cut();
  else await host.client.close();
  load.ledger.count('hosts gone');
  await pause(load.random.between(0, 1_000));
  await host.connect();
};

/** Each kind, and how often it comes. */
const WEIGHTS: readonly [kind: Kind, weight: number][] = [
  [plain, 35],
  [withTool, 15],
  [withApproval, 8],
  [cancelled, 12],
  [busy, 4],
  [abandoned, 6],
  [comeBack, 10],
  [leave, 2],
  [watch, 5],
  [takeOver, 3],
];
const TOTAL = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);

/** The next turn's kind. */
export function someKind({ random }: Load): Kind {
  let at = random.next() * TOTAL;
  for (const [kind, weight] of WEIGHTS) {
    at -= weight;
    if (at < 0) return kind;
  }
  return plain;
}

/** Kinds that cost so much memory that few of them go on at once. */
export const RARE: readonly { kind: Kind; everyMs: number }[] = [
  { kind: readSlowly, everyMs: 4_000 },
  { kind: neverRead, everyMs: 30_000 },
];
