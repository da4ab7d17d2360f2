import { describe, expect, it, test } from 'vitest';
import { deferred } from '../client/real-broker.ts';
import { calls, delta, says } from './fake-model.ts';
import { stage } from './openai-stage.ts';

describe('a model behind an OpenAI-compatible URL', () => {
  it('is asked by chat completions, streamed, and answers as an agent', async () => {
    const { model, ask, joined } = await stage([says('Hel', 'lo')], { system: 'Be brief.' });
    expect(await ask('hi')).toEqual({ text: 'Hello', events: [{ kind: 'done', finish_reason: 'stop' }] });
    expect(model.asked).toHaveLength(1);
    expect(model.asked[0]).toMatchObject({
      url: '/v1/chat/completions',
      headers: { 'content-type': 'application/json' },
    });
    expect(model.asked[0]?.headers).not.toHaveProperty('authorization');
    expect(model.asked[0]?.body).toEqual({
      model: 'small',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hi' },
      ],
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(joined.status.what).toBe(`small at ${new URL(model.url).host}`);
  });

  it('knows what was said before in its session, and nothing of another', async () => {
    const { model, ask } = await stage([says('one'), says('two'), says('three')]);
    await ask('first');
    await ask('second');
    await ask('third', { sessionId: 'other' });
    expect(model.asked[1]?.body.messages).toEqual([
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'one' },
      { role: 'user', content: 'second' },
    ]);
    expect(model.asked[2]?.body.messages).toEqual([{ role: 'user', content: 'third' }]);
  });

  it('is told of the last --keep messages, from a person’s on', async () => {
    const { model, ask } = await stage([says('1'), says('2'), says('3')], { keep: 3 });
    for (const prompt of ['a', 'b', 'c']) await ask(prompt);
    expect(model.asked[2]?.body.messages.map(({ content }: { content: string }) => content)).toEqual(['b', '2', 'c']);
  });

  it('is told what a front says of a session that is new here, once', async () => {
    const { model, ask } = await stage([says('1'), says('2')], { system: 'A.' });
    const context = {
      instructions: 'B.',
      history: [
        { role: 'user', content: 'old' },
        { role: 'assistant', content: 'so' },
        { role: 'tool', content: 'x' },
        5,
      ],
    };
    await ask('new', { context });
    await ask('next', { context });
    const told = [
      { role: 'system', content: 'A.' },
      { role: 'system', content: 'B.' },
      { role: 'user', content: 'old' },
      { role: 'assistant', content: 'so' },
      { role: 'user', content: 'new' },
    ];
    expect(model.asked[0]?.body.messages).toEqual(told);
    expect(model.asked[1]?.body.messages.slice(0, 6)).toEqual([...told, { role: 'assistant', content: '1' }]);
    expect(model.asked[1]?.body.messages).toHaveLength(7);
  });

  it('takes the model that a host names, pictures, and a key from a variable', async () => {
    const { model, ask } = await stage([says('ok')], { 'key-env': 'MY_KEY' }, { MY_KEY: 's3cret' });
    await ask('see', {
      model: 'large',
      attachments: [
        { type: 'image_base64', data: 'aGk=', media_type: 'image/png' },
        { type: 'image_url', url: 'https://example.org/a.png', detail: 'low' },
      ],
    });
    expect(model.asked[0]?.headers.authorization).toBe('Bearer s3cret');
    expect(model.asked[0]?.body).toMatchObject({
      model: 'large',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'see' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
            { type: 'image_url', image_url: { url: 'https://example.org/a.png', detail: 'low' } },
          ],
        },
      ],
    });
  });

  it('shows what it thinks, and what it has cost so far', async () => {
    const usage = (prompt_tokens: number, completion_tokens: number) => ({
      choices: [],
      usage: { prompt_tokens, completion_tokens },
    });
    const { host, ask } = await stage([
      {
        events: [
          delta({ reasoning_content: 'Hm', content: null }),
          delta({ reasoning: '…', content: '' }),
          delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'roll', arguments: '{}' } }] }),
          delta({}, 'tool_calls'),
          usage(10, 2),
        ],
      },
      { events: [delta({ content: 'four' }, 'stop'), usage(20, 1)] },
    ]);
    await host.tool('roll', {}, () => 4);
    const { text, events } = await ask('throw');
    expect(text).toBe('four');
    expect(events.filter(({ kind }) => kind === 'reasoning')).toEqual([
      { kind: 'reasoning', delta: 'Hm' },
      { kind: 'reasoning', delta: '…' },
    ]);
    expect(events.filter(({ kind }) => kind === 'usage')).toEqual([
      { kind: 'usage', input_tokens: 10, output_tokens: 2, total_tokens: 12 },
      { kind: 'usage', input_tokens: 30, output_tokens: 3, total_tokens: 33 },
    ]);
  });

  test.each([
    ['length', 'length'],
    ['content_filter', 'refusal'],
    ['eos', 'stop'],
  ])('when it ends with %s › the turn ends with %s', async (reason, becomes) => {
    const { ask } = await stage([{ events: [delta({ content: 'so' }), delta({}, reason)] }]);
    expect((await ask('go')).events).toEqual([{ kind: 'done', finish_reason: becomes }]);
  });

  it('that does not stream › answers all the same', async () => {
    const whole = { choices: [{ message: { role: 'assistant', content: 'whole' }, finish_reason: 'stop' }] };
    const { ask } = await stage([{ raw: [JSON.stringify(whole)] }]);
    expect(await ask('go')).toMatchObject({ text: 'whole' });
  });
});

describe('the tools of the host', () => {
  it('are run at the same time, shown, and their answers told to the model', async () => {
    const { model, host, ask } = await stage([calls(['add', { a: 1 }], ['add', { a: 2 }]), says('done')]);
    const both = deferred();
    let running = 0;
    await host.tool('add', { description: 'Adds', parameters: { type: 'object' } }, async (args) => {
      const { a } = args as { a: number };
      if (++running === 2) both.resolve();
      await both.promise;
      return { sum: a + 1 };
    });
    const { text, events } = await ask('go');
    expect(text).toBe('done');
    expect(model.asked[0]?.body.tools).toEqual([
      { type: 'function', function: { name: 'add', description: 'Adds', parameters: { type: 'object' } } },
    ]);
    expect(model.asked[1]?.body.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'id-0', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
          { id: 'id-1', type: 'function', function: { name: 'add', arguments: '{"a":2}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'id-0', content: '{"sum":2}' },
      { role: 'tool', tool_call_id: 'id-1', content: '{"sum":3}' },
    ]);
    expect(events).toEqual(
      expect.arrayContaining([
        { kind: 'tool_call', call_id: 'call-1', tool: 'add', params: { a: 1 } },
        { kind: 'tool_call', call_id: 'call-2', tool: 'add', params: { a: 2 } },
        { kind: 'tool_result', call_id: 'call-1', tool: 'add', ok: true, excerpt: '{"sum":2}' },
        { kind: 'tool_result', call_id: 'call-2', tool: 'add', ok: true, excerpt: '{"sum":3}' },
      ]),
    );
  });

  test.each<[how: string, fragments: object[]]>([
    [
      'by index',
      [
        { index: 0, id: 'a', function: { name: 'say', arguments: '' } },
        { index: 1, id: 'b', function: { name: 'say', arguments: '{"w":' } },
        { index: 0, function: { arguments: '{"w":"x' } },
        { index: 1, function: { arguments: '"y"}' } },
        { index: 0, id: '', function: { name: '', arguments: '1"}' } },
      ],
    ],
    [
      'by id, without an index',
      [
        { id: 'a', function: { name: 'say', arguments: '{"w":' } },
        { id: 'b', function: { name: 'say', arguments: '{"w":"y"}' } },
        { id: 'a', function: { arguments: '"x1"}' } },
      ],
    ],
    [
      'one after the other, where there is neither',
      [
        { function: { name: 'say', arguments: '{"w":' } },
        { function: { arguments: '"x1"}' } },
        { function: { name: 'say', arguments: '{"w":"y"}' } },
      ],
    ],
    [
      'with arguments that are no text',
      [
        { index: 0, id: 'a', function: { name: 'say', arguments: { w: 'x1' } } },
        { index: 1, id: 'b', function: { name: 'say', arguments: { w: 'y' } } },
      ],
    ],
  ])('are called when their fragments are joined: %s', async (_how, fragments) => {
    const { host, ask } = await stage([
      { events: [...fragments.map((part) => delta({ tool_calls: [part] }, '')), delta({}, 'stop')] },
      says('done'),
    ]);
    const said: unknown[] = [];
    await host.tool('say', {}, (args) => void said.push(args));
    await ask('go');
    expect(said).toEqual([{ w: 'x1' }, { w: 'y' }]);
  });

  it('that fail, do not exist, or are given what is no JSON › are told to the model', async () => {
    const { model, host, ask } = await stage([calls(['bad', {}], ['none', {}], ['bad', '{"a":']), says('sorry')]);
    await host.tool('bad', {}, () => {
      throw new Error('the disk is full');
    });
    const { text, events } = await ask('go');
    expect(text).toBe('sorry');
    expect(model.asked[1]?.body.messages.slice(2).map(({ content }: { content: string }) => content)).toEqual([
      'Error: the disk is full',
      'Error: there is no tool none',
      'Error: the arguments are no JSON',
    ]);
    // Some servers read what was asked for again, and fail where that is no JSON.
    expect(model.asked[1]?.body.messages[1].tool_calls[2].function.arguments).toBe('{}');
    expect(events.filter(({ kind }) => kind === 'tool_result').map(({ ok }) => ok)).toEqual([false, false, false]);
  });

  it('have names that servers take', async () => {
    const { model, host, ask } = await stage([calls(['fs_read', {}], ['fs_read_2', {}]), says('done')]);
    const used: string[] = [];
    for (const name of ['fs.read', 'fs/read', 'é'.repeat(80)]) await host.tool(name, {}, () => void used.push(name));
    await ask('go');
    const names = model.asked[0]?.body.tools.map((tool: { function: { name: string } }) => tool.function.name);
    expect(names).toEqual(['fs_read', 'fs_read_2', '_'.repeat(64)]);
    expect(used.sort()).toEqual(['fs.read', 'fs/read']);
  });

  it('are asked for no more than --max-steps times', async () => {
    const { model, host, ask } = await stage([calls(['roll', {}]), calls(['roll', {}]), says('never')], {
      'max-steps': 2,
    });
    await host.tool('roll', {}, () => 4);
    expect((await ask('go')).events.at(-1)).toEqual({ kind: 'done', finish_reason: 'max_turns' });
    expect(model.asked).toHaveLength(2);
  });

  it('are not called of an answer that was cut off', async () => {
    const { model, host, ask } = await stage([
      {
        events: [
          delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'roll', arguments: '{"a' } }] }),
          delta({}, 'length'),
        ],
      },
    ]);
    await host.tool('roll', {}, () => 4);
    expect((await ask('go')).events).toEqual([{ kind: 'done', finish_reason: 'length' }]);
    expect(model.asked).toHaveLength(1);
  });
});
