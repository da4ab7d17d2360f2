import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Chat, ChatEvent, Host } from '../../client/node.ts';
import { connectEcho, type Pause, words } from '../../daemon/echo.ts';
import { findCommand } from '../../daemon/echo-commands.ts';
import { ECHO_ID } from '../../daemon/echo-id.ts';
import { aborted, deferred, RealBroker } from '../client/real-broker.ts';

/** `echo` on a real broker, and a host. Its pauses take no time, unless told otherwise. */
async function start(pause: Pause = async () => {}): Promise<Host> {
  const real = await RealBroker.start();
  const { token = '' } = real.broker.upsertAgent({ id: ECHO_ID });
  const echo = await connectEcho({ url: real.url, token, pause });
  onTestFinished(() => void echo.close());
  return real.host();
}

async function read(chat: Chat): Promise<{ text: string; others: ChatEvent[] }> {
  let text = '';
  const others: ChatEvent[] = [];
  for await (const event of chat) {
    if (event.kind === 'token') text += event.delta;
    else others.push(event);
  }
  return { text, others };
}

const stop = { kind: 'done', finish_reason: 'stop' };
const cancelled = { kind: 'done', finish_reason: 'cancelled' };
/** A pause that ends only when the turn is cancelled. */
const forever: Pause = async (_ms, signal) => {
  await aborted(signal);
  throw signal.reason;
};

describe('echo’s words', () => {
  it('keep the white space', () => {
    expect(words('one  two\nthree ')).toEqual(['one', '  two', '\nthree', ' ']);
    expect(words('')).toEqual([]);
    expect(words('  ')).toEqual(['  ']);
  });

  it('are the prompt again, joined', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (prompt) => words(prompt).join('') === prompt));
  });
});

describe('echo', () => {
  it.each(['say  this\nagain ', '/unknown command', 'not /help'])('repeats %j word by word', async (prompt) => {
    const pauses: number[] = [];
    const host = await start(async (ms) => void pauses.push(ms));
    const { text, others } = await read(host.chat(ECHO_ID, prompt));
    expect(text).toBe(prompt);
    expect(others).toMatchObject([{ ...stop, text: prompt }]);
    expect(pauses).toEqual(words(prompt).map(() => 20));
  });

  it('/help lists what it can do', async () => {
    const host = await start();
    const text = await host.chat(ECHO_ID, '/help').text();
    for (const command of ['/tool [NAME [JSON]]', '/approve [WHAT]', '/slow', '/fail', '/help']) {
      expect(text).toContain(`\n  ${command} `);
    }
  });

  it('is found at once in however long a prompt', () => {
    expect(findCommand(`/help\n a${' '.repeat(500_000)}b\t`)?.rest).toHaveLength(500_002);
    expect(findCommand(`/helpless${' '.repeat(500_000)}b`)).toBeUndefined();
    expect(findCommand(' /help')).toBeUndefined();
  });

  it('/fail ends in an error', async () => {
    const host = await start();
    const { text, others } = await read(host.chat(ECHO_ID, '/fail'));
    expect(text).toBe('');
    expect(others).toMatchObject([{ kind: 'error', error: 'this is how a failed turn looks' }]);
  });

  it('/slow streams for ten seconds', async () => {
    const pauses: number[] = [];
    const host = await start(async (ms) => void pauses.push(ms));
    expect(await host.chat(ECHO_ID, '/slow').text()).toBe('1 2 3 4 5 6 7 8 9 10 ');
    expect(pauses.reduce((sum, ms) => sum + ms)).toBe(10_000);
  });

  it.each(['hello', '/slow'])('%s, when it is cancelled › stops, and says so in its grace', async (prompt) => {
    const host = await start(forever);
    const chat = host.chat(ECHO_ID, prompt);
    await chat.ack;
    await chat.cancel({ graceMs: 30_000 });
    const { others } = await read(chat);
    expect(others).toMatchObject([cancelled]);
    expect(others[0]?.synthesized).toBeUndefined();
  });
});

describe('echo › /approve', () => {
  it.each([
    [true, 'It was approved. With these words: "mind"'],
    [false, 'It was denied. With these words: "mind"'],
  ])('asks, and says what %s means', async (decision, words) => {
    const host = await start();
    const chat = host.chat(ECHO_ID, '/approve leave the house ');
    let text = '';
    const actions: unknown[] = [];
    for await (const event of chat) {
      if (event.kind === 'token') text += event.delta;
      if (event.kind !== 'approval_pending') continue;
      actions.push(event.action);
      expect(await chat.approve(event.approval_id, decision, { answer: 'mind' })).toBe(true);
    }
    expect(actions).toEqual(['leave the house']);
    expect(text).toBe(`I ask before I go on.\n${words}`);
  });

  it('when it is cancelled while it waits › ends', async () => {
    const host = await start();
    const chat = host.chat(ECHO_ID, '/approve');
    for await (const { kind } of chat) {
      if (kind === 'approval_pending') await chat.cancel({ graceMs: 30_000 });
    }
    expect(await host.sessions()).toEqual([]);
    expect(await host.approvals()).toMatchObject([{ status: 'withdrawn' }]);
  });
});

describe('echo › /tool', () => {
  const parameters = z.object({ n: z.number().default(1) });
  const offer = (host: Host) => host.tool('double', { parameters }, ({ n }) => n * 2);

  it.each([
    ['/tool', 'Your double says: 2', { params: {} }],
    ['/tool double', 'Your double says: 2', { params: {} }],
    ['/tool double {"n": 4}', 'Your double says: 8', { params: { n: 4 } }],
  ])('%s runs a tool of the host, between its events', async (prompt, words, params) => {
    const host = await start();
    await offer(host);
    await host.tool('other', {}, () => 'never');
    const { text, others } = await read(host.chat(ECHO_ID, prompt));
    expect(text).toBe(words);
    const [call, result] = others;
    expect(others).toMatchObject([{ kind: 'tool_call', tool: 'double', ...params }, { kind: 'tool_result' }, stop]);
    expect(result).toMatchObject({ tool: 'double', ok: true, excerpt: words.split(': ')[1] });
    expect(call).toMatchObject({ call_id: (result as { call_id?: string }).call_id });
  });

  it('says how often it heard of progress', async () => {
    const host = await start();
    await host.tool('work', {}, (_args, call) => {
      call.progress(1);
      call.progress(2);
      return null;
    });
    expect(await host.chat(ECHO_ID, '/tool').text()).toBe('Your work says (after 2 reports of progress): null');
  });

  it.each([
    ['/tool', [], 'You offer me no tools'],
    ['/tool none', ['double'], 'You offer me no tool none. What you offer: double.'],
    ['/tool double {n}', ['double'], 'That is no JSON: {n}'],
  ])('%s, with %j offered › says plainly what is wrong', async (prompt, offered, words) => {
    const host = await start();
    for (const name of offered) await host.tool(name, {}, () => 1);
    const { text, others } = await read(host.chat(ECHO_ID, prompt));
    expect(text).toContain(words);
    expect(others).toMatchObject([stop]);
  });

  it('when the tool fails › says so, and ends well', async () => {
    const host = await start();
    await offer(host);
    const { text, others } = await read(host.chat(ECHO_ID, '/tool double {"n": "x"}'));
    expect(text).toMatch(/^Your double did not work: invalid params: n: .* \(-32602\)$/);
    expect(others).toMatchObject([{ kind: 'tool_call' }, { kind: 'tool_result', ok: false }, stop]);
  });

  it('when it is cancelled while the tool works › ends as cancelled, and the tool stops', async () => {
    const host = await start();
    const started = deferred();
    const stopped = deferred();
    await host.tool('work', {}, async (_args, { signal }) => {
      started.resolve();
      await aborted(signal);
      stopped.resolve();
    });
    const chat = host.chat(ECHO_ID, '/tool');
    await started.promise;
    await chat.cancel({ graceMs: 30_000 });
    await stopped.promise;
    expect((await read(chat)).others).toMatchObject([{ kind: 'tool_call' }, cancelled]);
  });
});
