import { setTimeout as pause } from 'node:timers/promises';
import type { Heard } from './heard.ts';
import type { Host } from './host.ts';
import type { Kind } from './kinds.ts';
import type { Load, Opened } from './load.ts';
import { someScript } from './script.ts';

/** How long a turn waits for its host; one that is left alone is over so much later. Milliseconds. */
const WINDOW = 600_000;
const SHORT_WINDOW = 2_000;

async function openResumable(load: Load, host: Host, resume_window_ms = WINDOW): Promise<Opened | undefined> {
  const opened = await load.open(host, someScript(load.random, load.newNonce()), { params: { resume_window_ms } });
  if (opened && opened.ack.resume_token === undefined) load.ledger.breach('a resumable turn without a token');
  return opened;
}

/** Takes a turn up where `heard` is. @returns the newest `seq`; undefined where it was refused. */
async function subscribe(
  load: Load,
  host: Host,
  { ack }: Opened,
  heard: Heard,
  role: 'controller' | 'observer',
): Promise<number | undefined> {
  const { session_id, turn_id, resume_token } = ack;
  const after = heard.check.seq;
  heard.isPrompt = false;
  const reply = await host.subscribe({ session_id, turn_id, resume_token, after, role }, heard);
  load.ledger.count(role === 'observer' ? 'watched' : 'resumed');
  if (reply.code !== 0) {
    load.expect(reply, 'agents.chat.subscribe', new Set());
    return undefined;
  }
  const { head, recovered } = reply.result;
  if (!recovered) load.ledger.breach(`a small turn was not recovered: ${JSON.stringify(reply.result)}`);
  return head;
}

/** Its connection is cut, once or more, and it goes on with its turn. */
export const comeBack: Kind = async (load, host) => {
  const opened = await openResumable(load, host);
  if (!opened) return;
  const { heard } = opened;
  do {
    await heard.events(heard.check.seq + load.random.between(1, 10));
    await host.client.cut();
    await pause(load.random.between(0, 1_500));
    await host.connect();
    if (heard.check.ending !== undefined) return;
    if ((await subscribe(load, host, opened, heard, 'controller')) === undefined) return;
  } while (load.random.chance(0.3) && heard.check.ending === undefined);
  await heard.end();
};

/** Leaves, and does not come back before the window is over. */
export const leave: Kind = async (load, host) => {
  const opened = await openResumable(load, host, SHORT_WINDOW);
  await opened?.heard.events(3);
  await host.client.cut();
  await host.connect();
  load.ledger.count('turns left alone');
};

/** Another client watches, from the first event on; some do not stay. */
export const watch: Kind = async (load, host) => {
  const opened = await openResumable(load, host);
  const observer = opened && load.take();
  if (!opened || !observer) return opened?.heard.end();
  const heard = opened.heard.another();
  await opened.heard.events(load.random.between(1, 10));
  const isWatching = (await subscribe(load, observer, opened, heard, 'observer')) !== undefined;
  if (isWatching && load.random.chance(0.3)) {
    await heard.events(load.random.between(1, 10));
    await observer.client.cut();
    await observer.connect();
  } else if (isWatching) await heard.end();
  await opened.heard.end();
  load.give(observer);
};

/** Another client takes the turn over: the first one hears nothing more. */
export const takeOver: Kind = async (load, host) => {
  const opened = await openResumable(load, host);
  const taker = opened && load.take();
  if (!opened || !taker) return opened?.heard.end();
  const heard = opened.heard.another();
  await opened.heard.events(load.random.between(1, 10));
  const head = await subscribe(load, taker, opened, heard, 'controller');
  if (head !== undefined) {
    opened.heard.limit = head;
    await heard.end();
  }
  load.give(taker);
};
