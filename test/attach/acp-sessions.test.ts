import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { rejection } from '../client/real-broker.ts';
import { AcpScene } from './acp-scene.ts';

describe('sessions', () => {
  it('have a process each, up to so many; beyond, they are refused', async () => {
    const scene = await AcpScene.start({}, { 'max-processes': 2 });
    const [one, two] = await Promise.all(
      ['one', 'two'].map((sessionId) => scene.chat([['tell', 'env']], { sessionId }).text()),
    );
    expect(one).not.toBe(undefined);
    expect(two).not.toBe(undefined);
    expect(new Set(scene.heard().filter((line) => line.startsWith('initialize'))).size).toBe(1);
    const refusal = await rejection(scene.chat([['say', 'x']], { sessionId: 'three' }).text());
    expect(JSON.stringify(refusal)).toContain('too many sessions');
    expect(await scene.chat([['say', 'on']], { sessionId: 'one' }).text()).toBe('on');
  });

  it('that can be taken up again make room for others, the one that was used longest ago first', async () => {
    const scene = await AcpScene.start({ resume: true }, { 'max-processes': 2 });
    const say = (text: string, sessionId: string) => scene.chat([['say', text]], { sessionId }).text();
    for (const sessionId of ['one', 'two', 'one', 'three']) expect(await say('x', sessionId)).toBe('x');
    expect(await scene.chat([['tell', 'isResumed']], { sessionId: 'one' }).text()).not.toBe('true');
    expect(await scene.chat([['tell', 'isResumed']], { sessionId: 'two' }).text()).toBe('true');
  });

  it('without a turn for a while give their process back, and go on in another', async () => {
    const scene = await AcpScene.start({ resume: true, close: true }, { idle: 1 });
    const session = { sessionId: 'one' };
    await scene.chat([['say', 'x']], session).text();
    // The first process was asked at the start and ended, the second was the session's.
    while (scene.join.status.processes?.length !== 0) await delay(20);
    expect(scene.heard().filter((line) => line.startsWith('session/close')).length).toBe(2);
    expect(await scene.chat([['tell', 'isResumed']], session).text()).toBe('true');
  });

  it('may share one process', async () => {
    const scene = await AcpScene.start({}, { process: 'shared' });
    for (const sessionId of ['one', 'two', 'three']) await scene.chat([['say', 'x']], { sessionId }).text();
    expect(scene.heard().filter((line) => line.startsWith('initialize')).length).toBe(1);
    expect(scene.join.status.processes?.length).toBe(1);
  });

  it('that share a process which has ended › share the next one, however many come at once', async () => {
    const scene = await AcpScene.start({}, { process: 'shared' });
    await scene.events([['exit', 3]]);
    const texts = ['one', 'two', 'three'].map((sessionId) => scene.chat([['say', 'x']], { sessionId }).text());
    expect(await Promise.all(texts)).toEqual(['x', 'x', 'x']);
    expect(scene.heard().filter((line) => line.startsWith('initialize')).length).toBe(2);
  });

  it('whose agent does not answer to what they begin with › fail, and do not hold up the next turn', async () => {
    const scene = await AcpScene.start(
      { modes: ['a', 'b'], silent: 'session/set_mode' },
      { mode: 'b', 'start-timeout': 1_500 },
    );
    const failed = {
      kind: 'error',
      code: 'agent_error',
      error: 'the agent did not answer session/set_mode within 1500 ms',
    };
    for (let turn = 0; turn < 2; turn += 1)
      expect((await scene.events([['say', 'x']], { sessionId: 'one' })).at(-1)).toEqual(failed);
  });

  it('begin with what was said before, once, and what a front was told', async () => {
    const scene = await AcpScene.start({ embedded: true });
    const context = {
      instructions: 'be brief',
      history: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'ho' },
      ],
    };
    const session = { sessionId: 'one', context };
    const first = JSON.parse(await scene.chat([['tell', 'prompt']], session).text());
    const text = 'Instructions:\nbe brief\n\nThe conversation so far:\nuser: hi\n\nassistant: ho';
    expect(first[0]).toEqual({
      type: 'resource',
      resource: { uri: 'switchboard:history', mimeType: 'text/plain', text },
    });
    expect(JSON.parse(await scene.chat([['tell', 'prompt']], session).text()).length).toBe(1);
  });

  it('run where the operator says, and elsewhere only inside the directory that is named for that', async () => {
    const scene = await AcpScene.start({}, { cwd: '/tmp', root: '/usr' });
    const cwdOf = (cwd: unknown) => scene.chat([['tell', 'cwd']], { context: { cwd } }).text();
    expect(JSON.parse(await cwdOf('/usr/bin/..'))).toBe('/usr');
    for (const elsewhere of ['/etc', '/usr/../etc', 'usr', '/usrx', '/nowhere', 7])
      expect(JSON.parse(await cwdOf(elsewhere))).toBe('/tmp');
  });

  it('have none of this project’s variables', async () => {
    const scene = await AcpScene.start();
    const env = JSON.parse(await scene.chat([['tell', 'env']]).text());
    expect(Object.keys(env).filter((name) => name.startsWith('SWITCHBOARD'))).toEqual([]);
  });
});

describe('pictures', () => {
  const attachments = [{ type: 'image_base64' as const, data: 'AAAA', media_type: 'image/png' as const }];

  it('go to an agent that takes them, links to any', async () => {
    const scene = await AcpScene.start({ image: true });
    const link = { type: 'image_url' as const, url: 'https://example.org/a/b.png' };
    const blocks = JSON.parse(await scene.chat([['tell', 'prompt']], { attachments: [...attachments, link] }).text());
    expect(blocks.slice(1)).toEqual([
      { type: 'image', data: 'AAAA', mimeType: 'image/png' },
      { type: 'resource_link', uri: 'https://example.org/a/b.png', name: 'b.png' },
    ]);
  });

  it('are refused where the agent takes none', async () => {
    const scene = await AcpScene.start();
    expect(await scene.events([['say', 'x']], { attachments })).toEqual([
      { kind: 'error', code: 'agent_error', error: 'this agent takes no pictures' },
    ]);
  });
});

describe('modes', () => {
  const modes = ['auto', 'default'];

  it('are said at the start, and the one that is wished is set in each session', async () => {
    const scene = await AcpScene.start({ modes, close: true }, { mode: 'default' });
    expect(scene.lines.map(({ words }) => words)).toContain(
      'Scripted 1.2.3 begins in mode default; on offer: auto, default',
    );
    await scene.chat([['say', 'x']]).text();
    expect(scene.heard().filter((line) => line.startsWith('session/set_mode')).length).toBe(1);
    expect(scene.heard().some((line) => line.startsWith('session/close'))).toBe(true);
    expect(scene.join.status).toMatchObject({ mode: 'default', what: 'Scripted 1.2.3' });
  });

  it('and options that are not on offer › fail the turn, which names those that are', async () => {
    const configOptions = [
      {
        id: 'model',
        type: 'select',
        name: 'Model',
        currentValue: 'a',
        options: [{ group: 'g', options: [{ value: 'a' }, { value: 'b' }] }],
      },
      { id: 'fast', type: 'boolean', name: 'Fast', currentValue: false },
    ];
    const errorOf = async (settings: object) => {
      const scene = await AcpScene.start({ modes, configOptions }, settings);
      return (await scene.events([['say', 'x']])).at(-1)?.error;
    };
    expect(await errorOf({ mode: 'yolo' })).toBe('this agent has no mode yolo; it offers: auto, default');
    expect(await errorOf({ set: { speed: '1' } })).toBe('this agent has no option speed; it offers: model, fast');
    expect(await errorOf({ set: { model: 'c' } })).toBe('the option model of this agent cannot be c; it offers: a, b');
    expect(await errorOf({ set: { model: 'b', fast: 'true' } })).toBe(undefined);
  });
});
