import { afterEach, beforeEach, expect, it } from 'vitest';
import { createBroker } from '../../broker.ts';
import { connectHost, type Host } from '../../client/node.ts';
import { TestIo } from './test-io.ts';

/* `switchboard meetings`, against a real broker whose own provider hears whatever it is sent as text. */

let io: TestIo;
let host: Host;
let close: () => Promise<void>;
beforeEach(async () => {
  const broker = createBroker({
    limits: { drainTimeoutMs: 1 },
    voice: {
      async *transcribe({ audio }) {
        for await (const piece of audio) yield { type: 'final', text: new TextDecoder().decode(piece), speaker: 'Ann' };
      },
    },
  });
  const { url = '' } = await broker.listen({ port: 0 });
  io = new TestIo({ SWITCHBOARD_URL: url, SWITCHBOARD_AUTH_TOKEN: broker.tokens.daemon });
  host = await connectHost({ url, token: broker.tokens.daemon });
  close = async () => {
    await host.close();
    await broker.close();
  };
});
afterEach(() => close());

it('switchboard meetings › shows a table, and what was said, with what cannot be seen written out', async () => {
  const meeting = host.meetings.start({ sampleRate: 16_000, title: 'Pl\u001b[2Jans' });
  await meeting.started;
  await meeting.write(new TextEncoder().encode('hello \u001b[2J!!'));
  meeting.end();
  for await (const _event of meeting) void 0;
  const id = meeting.sessionId;
  expect(await io.run('meetings')).toBe(0);
  const [heading, row] = io.out.split('\n');
  expect(heading).toMatch(/^ID +STATUS +STARTED +HELD BY +TITLE$/);
  expect(row).toMatch(new RegExp(`^${id}  ended   \\S+Z  a client  Pl\\\\u001b\\[2Jans$`));
  expect(await io.run('meetings', 'show', id)).toBe(0);
  expect(io.out).toContain('\nAnn: hello \\u001b[2J!!\n');
});

it('switchboard meetings › says that there are none, or no such one', async () => {
  expect(await io.run('meetings', 'list')).toBe(0);
  expect(io.err).toContain('no meetings');
  expect(await io.run('meetings', 'show', 'x')).toBe(1);
  expect(io.err).toContain('no such meeting');
});

it('switchboard meetings › lists all of them where one says a time that is none', async () => {
  const head = { title: null, status: 'ended' as const, ended_at: 2, agent_id: null, bytes: 9 };
  const heads = [
    { ...head, id: 'good', started_at: 1 },
    { ...head, id: 'damaged', started_at: 1e20 },
  ];
  const store = { load: () => heads, create() {}, append() {}, read: async () => [], remove() {} };
  const broker = createBroker({ meetingStore: store });
  const { url = '' } = await broker.listen({ port: 0 });
  const other = new TestIo({ SWITCHBOARD_URL: url, SWITCHBOARD_AUTH_TOKEN: broker.tokens.daemon });
  expect(await other.run('meetings')).toBe(0);
  expect(other.out).toMatch(/^good .* 1970-01-01T00:00:00.001Z /m);
  expect(other.out).toMatch(/^damaged +ended +- /m);
  await broker.close();
});
