import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import type { Message, WireClient } from './support/wire-client.ts';

/* What outlives a daemon: meetings and agents' memory (`wire.md` section 11). */

const SOURCE = { kind: 'pcm_push', sample_rate: 16_000, channels: 1 };

/** A provider that accepts; gives its connection. */
async function provider(daemon: Daemon): Promise<WireClient> {
  const manager = await daemon.manager();
  await manager.ok('agents.upsert', { id: 'ear', capabilities: ['voice.transcribe'] });
  return daemon.agent('ear');
}

/** Starts a meeting; gives the provider's id of it. */
async function start(client: WireClient, ear: WireClient, params: object): Promise<string> {
  const starting = client.ok('meeting.start', { audio_source: SOURCE, ...params });
  const request = await ear.when(() => ear.received('voice.transcribe.start').at(-1));
  ear.answer(request, { accepted: true });
  await starting;
  return request.params.stream_id;
}

const texts = (meeting: Message): string[] => meeting.segments.map(({ text }: Message) => text);

describe('a daemon that is killed in the middle of a meeting', () => {
  it('has all of it but at most the last second, when it is started again', async () => {
    const home = temporaryDirectory();
    const first = await startDaemon({ home });
    const host = await first.host();
    const ear = await provider(first);
    const stream = await start(host, ear, { id: 'plans', title: 'Plans' });
    const said: { text: string; at: number }[] = [];
    const heard = () => host.received('voice.event').length;
    // Said for a second and a half, so that there is something from before the last second.
    const began = performance.now();
    while (performance.now() - began < 1_500) {
      const text = `sentence ${said.length}`;
      ear.notify('voice.event', { stream_id: stream, type: 'final', text, start_ms: said.length });
      await host.when(() => heard() > said.length || undefined);
      said.push({ text, at: performance.now() });
    }
    const killed = performance.now();
    await first.program.kill('SIGKILL');

    const second = await startDaemon({ home });
    const again = await second.host();
    const { meetings } = await again.ok('meeting.list');
    expect(meetings).toMatchObject([{ id: 'plans', title: 'Plans', status: 'interrupted' }]);
    const kept = texts(await again.ok('meeting.get', { meeting_id: 'plans' }));
    const must = said.filter(({ at }) => at < killed - 1_000).map(({ text }) => text);
    expect(must.length).toBeGreaterThan(0);
    expect(kept.length).toBeGreaterThanOrEqual(must.length);
    expect(kept).toEqual(said.slice(0, kept.length).map(({ text }) => text));
    expect(await again.ok('meeting.stop', { meeting_id: 'plans' })).toMatchObject({ id: 'plans', summary: null });
    const directory = join(home, 'meetings');
    expect(readdirSync(directory)).toEqual(['plans.jsonl']);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'plans.jsonl')).mode & 0o777).toBe(0o600);
  });
});

describe('a daemon that is started again', () => {
  it('knows its agents’ facts and its meetings, and nothing that another connection was told', async () => {
    const home = temporaryDirectory();
    const first = await startDaemon({ home });
    const ann = await first.agent('ann');
    const window = await first.host();
    const ear = await provider(first);
    await ann.ok('memory.add_fact', { subject: 'tea', body: 'green, no sugar' });
    await window.ok('memory.add_fact', { subject: 'tea', body: 'black' });
    const stream = await start(ann, ear, { id: 'talk' });
    ear.notify('voice.event', { stream_id: stream, type: 'final', text: 'more tea please' });
    await ann.when(() => ann.received('voice.event').at(0));
    expect((await first.stop()).code).toBe(0);

    const second = await startDaemon({ home });
    const again = await second.agent('ann');
    const { facts } = await again.ok('memory.query', { query: 'tea' });
    expect(facts.map(({ body }: Message) => body).sort()).toEqual(['green, no sugar', 'more tea please']);
    expect(await (await second.host()).ok('memory.fact_count', {})).toBe(0);
    expect(await again.ok('meeting.get', { meeting_id: 'talk' })).toMatchObject({
      status: 'ended',
      agent_id: 'ann',
      transcript: 'more tea please',
    });
    expect(statSync(join(home, 'memory')).mode & 0o777).toBe(0o700);
  });

  it('knows what an agent was told before it was killed', async () => {
    const home = temporaryDirectory();
    const first = await startDaemon({ home });
    const ann = await first.agent('ann');
    for (let n = 0; n < 20; n += 1) await ann.ok('memory.add_fact', { subject: 'count', body: `number ${n}` });
    await first.program.kill('SIGKILL');
    const second = await startDaemon({ home });
    expect(await (await second.agent('ann')).ok('memory.fact_count', {})).toBe(20);
  });
});
