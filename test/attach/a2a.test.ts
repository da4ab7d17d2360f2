import { describe, expect, it, test } from 'vitest';
import { deferred } from '../client/real-broker.ts';
import { stage } from './a2a-stage.ts';
import { read } from './unstamped.ts';

const done = { kind: 'done', finish_reason: 'stop' };

/** Every way there is to speak with one. */
const WAYS = (['1.0', '0.3'] as const).flatMap((generation) =>
  (['JSONRPC', 'HTTP+JSON'] as const).flatMap((binding) =>
    [true, false].map((streaming) => ({
      generation,
      binding,
      streaming,
      name: `${generation}, ${binding}, ${streaming ? 'streaming' : 'polling'}`,
    })),
  ),
);

describe.each(WAYS)('a remote agent that speaks A2A $name', ({ name: _name, ...way }) => {
  it('answers, keeps its context, and is told of by its card', async () => {
    const contexts: unknown[] = [];
    const { ask, joined, far } = await stage({
      ...way,
      play: (says, { text, message }) => {
        contexts.push(message.contextId);
        says.task();
        says.artifact('a', `you said ${text}`);
        says.status('completed');
      },
    });
    expect(await ask('hi')).toEqual({ text: 'you said hi', events: [done] });
    expect(await ask('more')).toEqual({ text: 'you said more', events: [done] });
    await ask('other', { sessionId: 'other' });
    expect(contexts[0]).toBeTruthy();
    expect(contexts[1]).toBe(contexts[0]);
    expect(contexts[2]).not.toBe(contexts[0]);
    expect(joined.status.what).toMatch(new RegExp(`^far 2.1 \\(A2A ${way.generation.replace('.', '\\.')}`));
    expect(far.heard.filter(({ url }) => url.includes('well-known'))).toHaveLength(1);
  });

  it('asks a person, and goes on in the same task with the answer', async () => {
    const heard: unknown[] = [];
    const { chat } = await stage({
      ...way,
      play: (says, { text, data }) => {
        heard.push([says.taskId, text, data]);
        says.task();
        if (heard.length === 1) return says.status('input-required', 'Delete it all?');
        says.status('completed', 'as you wish');
      },
    });
    const running = chat('clean up');
    const { text, events } = await read(running, (event) =>
      running.approve(event.approval_id, true, { answer: { text: 'only logs' } }),
    );
    expect(text).toBe('as you wish');
    expect(events[0]).toMatchObject({ kind: 'approval_pending', action: 'Delete it all?', details: { bridge: 'a2a' } });
    expect(events.at(-1)).toEqual(done);
    const [[task], second] = heard as [unknown[], unknown[]];
    expect(second).toEqual([task, 'only logs', [{ approved: true }]]);
    expect(events[0]).toMatchObject({ details: { task_id: task } });
  });

  it('is told to stop when its turn is cancelled', async () => {
    const started = deferred();
    const stopped = deferred();
    const { chat } = await stage({
      ...way,
      play: async (says) => {
        says.task();
        says.status('working', 'on it');
        started.resolve();
        await says.cancelled;
        stopped.resolve();
      },
    });
    const running = chat('go');
    const reading = read(running);
    await started.promise;
    await running.cancel();
    await stopped.promise;
    expect((await reading).events.at(-1)).toMatchObject({ kind: 'done', finish_reason: 'cancelled' });
  });
});

describe('what a remote agent says', () => {
  it('is streamed as it comes: appended, replaced, begun anew, and what is no text', async () => {
    const { ask } = await stage({
      play: (says) => {
        says.task();
        says.status('working', 'looking it up');
        says.artifact('a', 'one');
        says.artifact('a', ' two', true);
        says.artifact('a', 'one two three');
        says.artifact('a', 'another');
        says.artifact('b', 'and more');
        says.extras('c');
        says.status('completed', 'finished');
      },
    });
    const { text, events } = await ask('go');
    expect(text).toBe('one two three\n\nanother\n\nand more');
    expect(events).toEqual([
      { kind: 'notice', severity: 'info', title: 'looking it up' },
      { kind: 'content', content: { type: 'data', data: { a: 1 } } },
      { kind: 'content', content: { type: 'image', data: 'aGk=', mimeType: 'image/png' } },
      {
        kind: 'content',
        content: { type: 'resource_link', uri: 'https://example.org/x', name: 'https://example.org/x' },
      },
      done,
    ]);
  });

  it('without a task, or without an artifact, is the answer', async () => {
    const { ask } = await stage({
      play: (says, { text }) => {
        if (text === 'short') return says.message('hello');
        says.task();
        says.status('completed', 'all done');
      },
    });
    expect(await ask('short')).toEqual({ text: 'hello', events: [done] });
    expect(await ask('long')).toEqual({ text: 'all done', events: [done] });
  });

  test.each<[state: string, becomes: object]>([
    ['failed', { kind: 'error', error: 'so it is', code: 'remote_failed', retryable: false }],
    ['rejected', { kind: 'error', error: 'so it is', code: 'remote_rejected', retryable: false }],
    ['canceled', { kind: 'done', finish_reason: 'cancelled' }],
    ['auth-required', { kind: 'auth_required', reason: 'agent', message: 'so it is' }],
  ])('when its task is %s › ends the turn so', async (state, becomes) => {
    const { ask } = await stage({
      play: (says) => {
        says.task();
        says.status(state, 'so it is');
      },
    });
    expect((await ask('go')).events).toEqual([becomes]);
  });

  it('denied › hears no, and answers', async () => {
    const heard: unknown[] = [];
    const { chat } = await stage({
      play: (says, { text, data }) => {
        heard.push(text, data);
        says.task();
        says.status(text === 'go' ? 'input-required' : 'completed', 'ok?');
      },
    });
    const running = chat('go');
    await read(running, (event) => running.approve(event.approval_id, false));
    expect(heard).toEqual(['go', [], 'no', [{ approved: false }]]);
  });

  it('is given what a front says of a new session as metadata, once, and pictures', async () => {
    const messages: Record<string, unknown>[] = [];
    const { ask } = await stage({
      play: (says, { message }) => {
        messages.push(message);
        says.message('ok');
      },
    });
    const context = { instructions: 'Be brief.', history: [{ role: 'user', content: 'old' }] };
    await ask('see', { context, attachments: [{ type: 'image_base64', data: 'aGk=', media_type: 'image/png' }] });
    await ask('again', { context });
    expect(messages[0]).toMatchObject({ metadata: { switchboard: context } });
    expect(messages[0]?.parts).toMatchObject([{}, { content: { $case: 'raw' }, mediaType: 'image/png' }]);
    expect(messages[1]?.metadata).toBeFalsy();
  });
});
