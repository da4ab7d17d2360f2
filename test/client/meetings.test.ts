import { beforeEach, describe, expect, it } from 'vitest';
import type { AgentOptions, Host, TranscriptEvent } from '../../client/node.ts';
import { RealBroker } from './real-broker.ts';

/* Meetings and memory in the SDK, over real sockets. */

let real: RealBroker;
let host: Host;
beforeEach(async () => {
  real = await RealBroker.start();
  host = await real.host();
});

const onTranscribe: AgentOptions['onTranscribe'] = async function* ({ audio }) {
  for await (const piece of audio) yield { type: 'final', text: `${piece.length} bytes`, speaker: 'Ann' };
};

describe('host.meetings', () => {
  it('holds one, yields what is heard, and gives it with a summary', async () => {
    real.broker.upsertAgent({ id: 'echo', capabilities: ['voice.transcribe'] });
    await real.agent(async (turn) => `short: ${turn.prompt.split('\n').at(-1)}`, { onTranscribe });
    const meeting = host.meetings.start({ sampleRate: 16_000, title: 'Plans' });
    expect(await meeting.started).toBe('echo');
    await meeting.write(new Uint8Array(4));
    meeting.end();
    const events: TranscriptEvent[] = [];
    for await (const event of meeting) events.push(event);
    expect(events.map(({ type }) => type)).toEqual(['final', 'ended']);
    const id = meeting.sessionId;
    const stopped = await host.meetings.stop(id, { summarizer: 'echo' });
    expect(stopped).toEqual({ id, transcript: '4 bytes', summary: 'short: Ann: 4 bytes' });
    expect(await host.meetings.list()).toMatchObject([{ id, title: 'Plans', status: 'ended' }]);
    expect(await host.meetings.get(id)).toMatchObject({ segments: [{ speaker: 'Ann' }], summary: stopped.summary });
    expect(await host.memory.query('bytes')).toMatchObject([{ body: '4 bytes', speaker: 'Ann', kind: 'meeting' }]);
  });

  it('says on the stream that nobody transcribes', async () => {
    const meeting = host.meetings.start({ sampleRate: 16_000 });
    await expect(meeting.started).rejects.toMatchObject({ code: -32011 });
  });
});

describe('memory', () => {
  it('is the agent’s own, and the connection’s own', async () => {
    const agent = await real.agent(async () => '');
    expect(await agent.memory.add({ subject: 'tea', body: 'green' })).toBe(1);
    expect(await host.memory.count()).toBe(0);
    const [fact] = await agent.memory.query('green', 1);
    expect(fact).toMatchObject({ subject: 'tea', body: 'green', kind: 'fact' });
    expect(await agent.memory.delete(fact?.id ?? '')).toBe(true);
    expect(await agent.memory.count()).toBe(0);
  });
});
