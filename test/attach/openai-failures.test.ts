import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { StartError } from '../../attach/join.ts';
import { readEntry, SettingError } from '../../attach/kinds.ts';
import { deferred, rejection } from '../client/real-broker.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { calls, delta, type FakeAnswer, says } from './fake-model.ts';
import { label, stage } from './openai-stage.ts';

const failure = (error: unknown, retryable: boolean) => [{ kind: 'error', error, code: 'model_error', retryable }];

describe('a turn whose model fails', () => {
  const broken = (raw: string[]): FakeAnswer => ({ headers: { 'content-type': 'text/event-stream' }, raw });
  const json = (value: object) => [JSON.stringify(value)];

  test.each<[what: string, answer: FakeAnswer, words: unknown, retryable: boolean]>([
    [
      '429',
      { status: 429, raw: json({ error: { message: 'slow down' } }) },
      "the model's server answered 429: slow down",
      true,
    ],
    [
      '500, in HTML',
      { status: 500, raw: ['<h1>oh\nno</h1>'] },
      "the model's server answered 500: <h1>oh no</h1>",
      true,
    ],
    ['503 without words', { status: 503 }, "the model's server answered 503", true],
    [
      '400',
      { status: 400, raw: json({ error: 'no such thing' }) },
      "the model's server answered 400: no such thing",
      false,
    ],
    [
      '404',
      { status: 404, raw: json({ message: 'no model small' }) },
      "the model's server answered 404: no model small",
      false,
    ],
    [
      'a redirect',
      { status: 307, headers: { location: 'http://127.0.0.1:9/' } },
      "the model's server answered 307",
      false,
    ],
    [
      'no finish_reason',
      { events: [delta({ content: 'so' }, undefined)] },
      expect.stringContaining('without a finish_reason'),
      true,
    ],
    [
      'an empty finish_reason',
      { events: [delta({ content: 'so' }, '')] },
      expect.stringContaining('without a finish_reason'),
      true,
    ],
    [
      'a stream that is cut',
      { events: [delta({ content: 'so' })], ends: 'cut' },
      expect.stringContaining('broke off'),
      true,
    ],
    ['what is no JSON', { events: ['{"choices":'] }, "the model's server sent what is no JSON", true],
    [
      'an error in the stream',
      { events: [{ error: { message: 'overloaded', code: 503 } }] },
      'the model failed: overloaded',
      true,
    ],
    [
      'an error of ours in the stream',
      { events: [{ error: { message: 'too long', code: 400 } }] },
      'the model failed: too long',
      false,
    ],
    ['nothing at all', broken([]), expect.stringContaining('without a finish_reason'), true],
    [
      'an event without an end',
      broken([`data: ${'x'.repeat(9 * 1024 * 1024)}`, 'x'.repeat(9 * 1024 * 1024)]),
      expect.stringContaining('longer than'),
      true,
    ],
    [
      'an event of too many parts',
      broken([`data: {"a":[${'0,'.repeat(200_000)}0]}\n\n`]),
      expect.stringContaining('more than 100000 members'),
      false,
    ],
    [
      'an event that nests too deeply',
      broken([`data: {"a":${'['.repeat(9_000)}${']'.repeat(9_000)}}\n\n`]),
      expect.stringContaining('nested deeper than'),
      false,
    ],
    [
      'too many calls',
      calls(...Array.from({ length: 129 }, (): [string, object] => ['roll', {}])),
      'the model asks for more than 128 calls at once',
      false,
    ],
  ])('with %s › ends in an error that says so', async (_what, answer, words, retryable) => {
    const { ask, lines } = await stage([answer]);
    expect((await ask('go')).events).toEqual(failure(words, retryable));
    expect(lines).toContainEqual({ level: 'warn', text: 'a model failed' });
  });

  test.each([401, 403])('with %i › says that somebody has to see to the key, which is not shown', async (status) => {
    const { ask } = await stage(
      [{ status, raw: json({ error: { message: 'Incorrect API key: s3cret' } }) }],
      { 'key-env': 'MY_KEY' },
      { MY_KEY: 's3cret' },
    );
    expect((await ask('go')).events).toEqual([
      {
        kind: 'auth_required',
        reason: 'agent',
        message: `the model's server refused the key (${status}) that is in MY_KEY`,
      },
    ]);
  });

  it('with words that have the key in them › shows them without it', async () => {
    const { ask } = await stage(
      [{ status: 400, raw: ['bad header Bearer s3cret'] }],
      { 'key-env': 'K' },
      { K: 's3cret' },
    );
    expect((await ask('go')).events).toEqual(failure("the model's server answered 400: bad header Bearer …", false));
  });

  it('with words in the stream that have the key in them › shows them without it', async () => {
    const { ask } = await stage(
      [{ events: [{ error: { message: 'no such key: s3cret', code: 400 } }] }],
      { 'key-env': 'K' },
      { K: 's3cret' },
    );
    expect((await ask('go')).events).toEqual(failure('the model failed: no such key: …', false));
  });

  it('because nobody listens › ends in an error that may be tried again', async () => {
    const { ask } = await stage([], { openai: 'http://127.0.0.1:9/v1' });
    expect((await ask('go')).events).toEqual(failure(expect.stringContaining('cannot be reached: '), true));
  });

  it('leaves what was said as it was', async () => {
    const { model, ask } = await stage([says('one'), { status: 500 }, says('three')]);
    for (const prompt of ['a', 'b', 'c']) await ask(prompt);
    expect(model.asked[2]?.body.messages.map(({ content }: { content: string }) => content)).toEqual(['a', 'one', 'c']);
  });
});

describe('a turn that is cancelled', () => {
  it('while the model speaks › lets go of it, and leaves what was said as it was', async () => {
    const { model, host, ask } = await stage([{ events: [delta({ content: 'so' })], ends: 'nothing' }, says('two')]);
    const chat = host.chat('m', 'a', { sessionId: 's' });
    for await (const event of chat) if (event.kind === 'token') await chat.cancel();
    await model.wasLeft();
    await ask('b');
    expect(model.asked[1]?.body.messages).toEqual([{ role: 'user', content: 'b' }]);
  });

  it('while it has said nothing yet, or a tool runs › ends at once', async () => {
    const { model, host } = await stage([{ events: [], ends: 'nothing' }, calls(['work', {}])]);
    const first = host.chat('m', 'a');
    await model.wasAsked(1);
    await first.cancel();
    await model.wasLeft();
    const stopped = deferred();
    await host.tool('work', {}, (_args, { signal }) => {
      signal.addEventListener('abort', () => stopped.resolve());
      void second.cancel();
      return new Promise(() => {});
    });
    const second = host.chat('m', 'b');
    await stopped.promise;
    const events = [];
    for await (const event of second) events.push(event);
    expect(events.at(-1)).toMatchObject({ kind: 'done', finish_reason: 'cancelled' });
    expect(model.asked).toHaveLength(2);
  });
});

describe('an event stream', () => {
  it('is read however it was cut, with comments, fields that are not known, and any line’s end', async () => {
    const text = `: hello\r\n\r\nevent: x\r\ndata:${JSON.stringify(delta({ content: 'é' }))}\r\n\r\nid: 1\rdata: ${JSON.stringify(delta({ content: '!' }))}\r\rretry: 5\ndata: {"choices":\ndata: [{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;
    const bytes = Buffer.from(text);
    const raw = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    const { ask } = await stage([{ headers: { 'content-type': 'text/event-stream' }, raw }]);
    expect(await ask('go')).toMatchObject({ text: 'é!', events: [{ kind: 'done' }] });
  });
});

describe('its settings', () => {
  test.each([
    [{ openai: 'localhost:11434' }, '--openai takes the base URL'],
    [{ openai: 'http://u:p@localhost/v1' }, '--openai takes the base URL'],
    [{ openai: 'http://localhost/v1?key=x' }, '--openai takes the base URL'],
    [{ model: undefined }, '--model is missing'],
    [{ 'key-env': 'sk-123' }, '--key-env takes the name of an environment variable, not its value'],
    [{ 'max-steps': 0 }, '--max-steps takes an integer from 1'],
    [{ keep: 'many' }, '--keep takes an integer'],
    [{ mode: 'x' }, '--mode is no setting of such an agent'],
    [{ acp: ['x'] }, '--acp and --openai exclude each other'],
  ])('%j › is refused', (settings, says) => {
    const read = () => readEntry({ id: 'm', openai: 'http://127.0.0.1:1/v1', model: 'small', ...settings }, label);
    expect(read).toThrow(SettingError);
    expect(read).toThrow(says);
  });

  it('take a system prompt from a file; what is missing fails the start', async () => {
    const path = join(temporaryDirectory(), 'prompt');
    writeFileSync(path, 'From a file.');
    const { model, ask } = await stage([says('ok')], { system: `@${path}` });
    await ask('go');
    expect(model.asked[0]?.body.messages[0]).toEqual({ role: 'system', content: 'From a file.' });
    for (const [settings, says] of [
      [{ system: '@/no/such/file' }, '/no/such/file cannot be read: ENOENT'],
      [{ system: '@/' }, 'no file of at most'],
      [{ 'key-env': 'MY_KEY' }, 'the variable MY_KEY, which the key is to be in, is not set'],
      [{ 'key-env': 'TWO_LINES' }, 'the variable TWO_LINES holds no key: only visible ASCII is one'],
      [{ 'key-env': 'CUT' }, 'the variable CUT holds no key: only visible ASCII is one'],
    ] as const) {
      const error = (await rejection(stage([], settings, { TWO_LINES: 's3cret\nmore', CUT: 's3cret…' }))) as Error;
      expect(error).toBeInstanceOf(StartError);
      expect(error.message).toContain(says);
      expect(error.message).not.toContain('s3cret');
    }
  });
});
