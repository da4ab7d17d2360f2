import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from './support/cleanup.ts';
import { startDaemon } from './support/daemon.ts';
import { MAIN, run } from './support/program.ts';
import type { WireClient } from './support/wire-client.ts';

/* Facts on a real disk, and a daemon that ends in the middle of it (`wire.md` section 11). */

const large = (n: number) => ({ subject: `s${n}`, body: `word${n} ${'x'.repeat(8_000)}` });

/** Adds facts until one is refused, and gives that error. */
async function fill(agent: WireClient) {
  for (let n = 0; ; n += 1) {
    const { error } = await agent.call('memory.add_fact', large(n));
    if (error) return error;
  }
}

/** So many facts of one agent. */
async function addMany(agent: WireClient, number: number): Promise<void> {
  for (let n = 0; n < number; n += 500) {
    const ids = Array.from({ length: 500 }, (_, k) =>
      agent.post('memory.add_fact', { subject: 's', body: `${n + k}` }),
    );
    for (const id of ids) expect((await agent.replyTo(id)).error).toBeUndefined();
  }
}

test('a full disk › when an agent adds facts › then it is told -32603, everybody else goes on, and later there is room again', async () => {
  // As a full disk for the database: no file may become larger than that.
  const daemon = await startDaemon({ limits: 'ulimit -f 800', mayFail: true });
  const [ann, bob, host] = [await daemon.agent('ann'), await daemon.agent('bob'), await daemon.host()];
  for (let n = 0; n < 20; n += 1) await bob.ok('memory.add_fact', large(n));
  expect(await fill(ann)).toEqual({ code: -32603, message: 'internal error' });
  const tries = Array.from({ length: 20 }, (_, n) => ann.post('memory.add_fact', large(n)));
  for (const id of tries) expect((await ann.replyTo(id)).error.code).toBe(-32603);
  const opening = host.post('agents.chat', { agent_id: 'bob', prompt: 'hi' });
  const { id } = await bob.when(() => bob.frames.find(({ method }) => method === 'agent.chat'));
  bob.send({ jsonrpc: '2.0', id, result: { accepted: true } });
  expect((await host.replyTo(opening)).result.accepted).toBe(true);
  expect((await ann.ok('memory.query', { query: 'word3' })).facts).toHaveLength(1);
  const manager = await daemon.manager();
  await manager.ok('agents.remove', { id: 'bob' });
  // Its facts go by and by. Room for a large one may be in pieces.
  const small = { subject: 's', body: 'small' };
  await expect.poll(async () => (await ann.call('memory.add_fact', small)).error).toBeUndefined();
  expect(await daemon.stop()).toMatchObject({ code: 0 });
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'agents.remove › when the daemon gets %s right behind its answer › then another of that id reads nothing of it',
  async (signal) => {
    const first = await startDaemon();
    await addMany(await first.agent('ann'), 5_000);
    const manager = await first.manager();
    expect(await manager.ok('agents.remove', { id: 'ann' })).toEqual({ removed: true });
    await first.program.kill(signal);
    const second = await startDaemon({ home: first.home });
    const ann = await second.agent('ann');
    expect(await ann.ok('memory.fact_count')).toBe(0);
    expect(await ann.ok('memory.query', { query: 's' })).toEqual({ facts: [] });
    expect(await ann.ok('memory.add_fact', { subject: 's', body: 'new' })).toBe(1);
    await second.stop();
    const third = await startDaemon({ home: first.home });
    expect(await (await third.agent('ann')).ok('memory.fact_count')).toBe(1);
  },
);

test('a full disk › when the daemon is stopped › then it ends', async () => {
  const daemon = await startDaemon({ limits: 'ulimit -f 800', mayFail: true });
  const ann = await daemon.agent('ann');
  await fill(ann);
  const tries = Array.from({ length: 20 }, (_, n) => ann.post('memory.add_fact', large(n)));
  for (const id of tries) await ann.replyTo(id);
  await (await daemon.manager()).ok('agents.remove', { id: 'ann' });
  expect(await daemon.stop()).toMatchObject({ code: 0 });
});

test('a stop › when facts are being written › then what is written is answered before the sockets close', async () => {
  const daemon = await startDaemon();
  const ann = await daemon.agent('ann');
  const ids = Array.from({ length: 900 }, (_, n) => ann.post('memory.add_fact', large(n)));
  // Whatever has reached it by then.
  await ann.replyTo(ids[0]);
  const stopped = daemon.stop();
  expect((await ann.closed).code).toBe(1001);
  await stopped;
  const answered = ids.filter((id) => ann.frames.some((frame) => frame.id === id && 'result' in frame));
  const again = await startDaemon({ home: daemon.home });
  expect(await (await again.agent('ann')).ok('memory.fact_count')).toBe(answered.length);
});

const data = (home: string) => join(home, 'memory', '000001.seg');

/** What a daemon that was stopped has left of an agent's facts. */
let factsOfAnn = '';
beforeAll(async () => {
  const daemon = await startDaemon();
  const ann = await daemon.agent('ann');
  await addMany(ann, 1_000);
  // In a block of its own: what comes last could also be what a crash has left half written.
  await ann.ok('memory.add_fact', { subject: 's', body: 'the last' });
  await daemon.stop();
  factsOfAnn = join(daemon.home, 'memory');
});

/** Another bit in the first half of a file. */
function change(path: string): void {
  const bytes = readFileSync(path);
  const place = bytes.length >> 2;
  bytes.writeUInt8((bytes[place] ?? 0) ^ 1, place);
  writeFileSync(path, bytes);
}

test.each<[string, (home: string) => void, RegExp]>([
  ['is garbage', (home) => writeFileSync(data(home), Buffer.alloc(35_000, 7)), /000001\.seg is damaged .*move/],
  ['is another in one bit', (home) => change(data(home)), /000001\.seg is damaged .*move/],
  [
    'has one of an earlier version beside it',
    (home) => writeFileSync(join(home, 'memory', 'data.mdb'), 'facts'),
    /data\.mdb has facts as an earlier version kept them.*move it away/,
  ],
])(
  'a start › when the file of facts %s › then one line names it and says how to go on',
  async (_name, damage, line) => {
    const home = temporaryDirectory();
    cpSync(factsOfAnn, join(home, 'memory'), { recursive: true });
    damage(home);
    const { code, err } = await run([MAIN, '--port', '0', '--no-socket'], { SWITCHBOARD_HOME: home });
    expect({ code, lines: err.split('\n').length }).toEqual({ code: 1, lines: 2 });
    expect(err).toMatch(line);
  },
);

test('a start › when memory is a file › then one line says so', async () => {
  const home = temporaryDirectory();
  writeFileSync(join(home, 'memory'), '');
  const { code, err } = await run([MAIN, '--port', '0', '--no-socket'], { SWITCHBOARD_HOME: home });
  expect({ code, err }).toEqual({
    code: 1,
    err: `switchboard: ${join(home, 'memory')} is no directory; move it away\n`,
  });
});
