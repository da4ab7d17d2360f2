import { expect, test } from 'vitest';
import { collectGarbage } from '../support/gc.ts';
import { cancelled, type Scene, startFronts } from './front-scene.ts';
import { Raw } from './raw.ts';

const MIB = 1024 * 1024;
const LARGE = 'x'.repeat(4 * MIB);
const COUNT = 8;
/** Where a long text stands in a request: in the past, of which an agent is told 1 MiB at most. */
const HERE = '<LARGE>';

const past = { role: 'user', content: HERE };
const now = { role: 'user', content: 'now' };
const parts = (text: string) => [{ type: 'text', text }];

/** Opens a stream whose request is long. */
async function open({ port, token }: Scene, path: string, body: object): Promise<void> {
  const [before = '', after = ''] = JSON.stringify(body).split(HERE);
  const raw = new Raw(port);
  raw.write(
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${before.length + LARGE.length + after.length}`,
    '',
    before,
  );
  raw.write(LARGE);
  raw.write(after);
  await raw.until('first');
}

const inUse = async () => {
  await collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

test.each<[string, string, (at: number) => object]>([
  ['a chat completion', '/v1/chat/completions', () => ({ model: 'echo', stream: true, messages: [past, now] })],
  ['a response', '/v1/responses', () => ({ model: 'echo', stream: true, input: [past, now] })],
  [
    'a chat of the AI SDK',
    '/ai/echo',
    (at) => ({
      id: `chat-${at}`,
      messages: [
        { id: 'a', role: 'user', parts: parts(HERE) },
        { id: 'b', role: 'user', parts: parts('now') },
      ],
    }),
  ],
  [
    'a run of AG-UI',
    '/ag-ui/echo',
    (at) => ({
      threadId: `thread-${at}`,
      runId: 'run',
      messages: [
        { id: 'a', ...past },
        { id: 'b', ...now },
      ],
    }),
  ],
])(
  '%s whose request is long › then nothing of it is kept while it is answered',
  async (_name, path, bodyOf) => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async (turn) => {
      turn.token('first');
      await cancelled(turn);
    });
    await open(scene, path, bodyOf(0));
    const before = await inUse();
    for (let at = 1; at <= COUNT; at += 1) await open(scene, path, bodyOf(at));
    expect(turns).toHaveLength(COUNT + 1);
    expect((await inUse()) - before).toBeLessThan((COUNT / 2) * LARGE.length);
  },
  30_000,
);
