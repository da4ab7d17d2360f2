import { describe, expect, test } from 'vitest';
import { CHANGES, callableMethods, LOOKS } from '../../console/method-table.ts';
import {
  compose,
  type Field,
  fieldsOf,
  initialValues,
  type Values,
  valuesOf,
} from '../../console/methods/form-model.ts';
import { HeardFrames, MAX_FRAME } from '../../console/methods/frames.ts';
import { MASK, masked } from '../../console/methods/secrets.ts';
import { requests } from '../../protocol/methods.ts';
import { writeJson } from '../../protocol/write-json.ts';

const methods = callableMethods();
const fieldsBy = (name: string) => {
  const method = methods.find((one) => one.name === name);
  return method && fieldsOf(method);
};
const composed = (name: string, values: Values) => compose(fieldsBy(name) ?? [], values);

/** Something that fits in a field. */
function sample({ kind, choices = [], schema, name }: Field): string {
  if (kind === 'choice') return choices.at(-1) ?? '';
  if (kind === 'number') return SAMPLES[name] ?? String(schema.minimum ?? 7);
  if (kind === 'lines') return String(schema.items?.enum?.[0] ?? schema.items?.minimum ?? 'line');
  if (kind === 'json') return SAMPLES[name] ?? (schema.type === 'array' ? '[]' : '{"a":1}');
  return SAMPLES[name] ?? 'abcd';
}

/** What no schema says of a field by itself. */
const SAMPLES: Readonly<Record<string, string>> = {
  resume_token: 'r'.repeat(40),
  resume_window_ms: '1000',
  pcm_b64: 'AAA=',
  decision: 'true',
  protocol_version: '3',
  routeAuth: '{"type":"bearer","token":"t"}',
  endpoint: 'http://127.0.0.1:1/',
  'owner.endpoint': 'http://127.0.0.1:1/',
  timestamp: '2026-01-01T00:00:00Z',
};

describe('the form of a method', () => {
  test('every request that the host role may send has one; an agent’s, and the first of a connection, have none', () => {
    const named = [...requests].filter(([, { role }]) => role === 'any' || role === 'host').map(([name]) => name);
    expect(methods.map(({ name }) => name)).toEqual(named);
    expect(methods.map(({ name }) => name)).not.toContain('session.auth');
    for (const name of [...LOOKS, ...CHANGES]) expect(named, name).toContain(name);
    const changing = methods.filter(({ changes }) => changes).map(({ name }) => name);
    for (const name of ['agents.remove', 'keys.rotate', 'agents.chat', 'host.notify', 'agents.chat.subscribe'])
      expect(changing).toContain(name);
    for (const name of ['agents.list', 'keys.list', 'broker.status', 'meeting.get'])
      expect(changing).not.toContain(name);
  });

  const inFields = methods.flatMap((method) => {
    const fields = fieldsOf(method);
    return fields && fields.length > 0 ? [{ name: method.name, fields }] : [];
  });
  test.each(inFields)(
    '$name › filled in, is what the daemon takes, and comes back into the fields',
    ({ name, fields }) => {
      const values = Object.fromEntries(fields.map((field) => [field.name, sample(field)]));
      const result = compose(fields, values);
      expect(result).not.toHaveProperty('problems');
      const params = 'params' in result ? result.params : {};
      const checked = requests.get(name)?.params.safeParse(params);
      expect(checked?.error?.issues ?? []).toEqual([]);
      expect(valuesOf(fields, params, (value) => writeJson(value))).toEqual(values);
    },
  );

  test('what takes an array, or what no fields can say › is written as JSON', () => {
    expect(fieldsBy('tools.register')).toBeUndefined();
    expect(fieldsBy('a2ui.apply')).toBeUndefined();
    expect(fieldsBy('agents.list')).toEqual([]);
  });

  test('what is empty › is left out; what is needed is asked for, in an object only where that is there', () => {
    expect(composed('agents.upsert', { id: 'a', name: ' ' })).toEqual({ params: { id: 'a' } });
    expect(composed('agents.upsert', { name: 'a' })).toEqual({ problems: { id: 'is needed' } });
    expect(composed('agents.chat', { agent_id: 'a', prompt: 'p' })).toEqual({ params: { agent_id: 'a', prompt: 'p' } });
    expect(composed('agents.chat', { agent_id: 'a', prompt: 'p', 'goal.max_iterations': '3' })).toEqual({
      problems: { 'goal.check': 'is needed' },
    });
    // What can be nothing else is there from the first.
    expect(initialValues(fieldsBy('meeting.start') ?? [])).toEqual({ 'audio_source.kind': '"pcm_push"' });
    expect(composed('meeting.start', { 'audio_source.kind': '"pcm_push"' })).toEqual({
      problems: { 'audio_source.sample_rate': 'is needed', 'audio_source.channels': 'is needed' },
    });
  });

  test.each([
    ['agents.upsert', { id: 'not an id' }, { id: expect.stringMatching(/^is like /) }],
    ['agents.upsert', { id: 'a', metadata: '{' }, { metadata: expect.stringMatching(/^is no JSON: /) }],
    ['host.events', { limit: 'x' }, { limit: 'is a number' }],
    ['host.events', { limit: '1.5' }, { limit: 'is a whole number' }],
    ['host.events', { limit: '501' }, { limit: 'is at most 500' }],
    ['host.events', { limit: '0' }, { limit: 'is at least 1' }],
    ['keys.add', { name: 'a', scopes: 'chat\nfly' }, { scopes: 'line 2 is one of chat, observe, host' }],
    ['keys.add', { name: 'a', agents: 'a\n\nb/' }, { agents: expect.stringMatching(/^line 2 is like /) }],
    ['agents.chat', { agent_id: 'a', prompt: 'p', stream: 'maybe' }, { stream: 'is none of what there is' }],
  ])('%s with %j › then it says what is wrong, field by field', (name, values, problems) => {
    expect(composed(name, values as unknown as Values)).toEqual({ problems });
  });

  test('integers of many digits › keep them', () => {
    const result = composed('host.set_status', {
      agent_id: 'a',
      status: '"idle"',
      payload: '{"n":12345678901234567890}',
    });
    expect('params' in result && writeJson(result.params)).toContain('12345678901234567890');
  });

  test('JSON that has no field › does not go into the fields', () => {
    const fields = fieldsBy('agents.upsert') ?? [];
    const into = (params: unknown) => valuesOf(fields, params, (value) => writeJson(value));
    expect(into({ id: 'a', capabilities: ['x', 'y'], rotate_token: false })).toEqual({
      id: 'a',
      capabilities: 'x\ny',
      rotate_token: 'false',
    });
    for (const params of [
      [],
      { id: 'a', extra: 1 },
      { id: 7 },
      { id: 'a', capabilities: ['x\ny'] },
      { id: 'a', name: '' },
    ])
      expect(into(params), JSON.stringify(params)).toBeUndefined();
  });
});

describe('secrets', () => {
  test('in fields › are not shown as they are typed', () => {
    const secret = methods.flatMap((method) =>
      (fieldsOf(method) ?? []).filter(({ isSecret }) => isSecret).map(({ name }) => `${method.name} ${name}`),
    );
    expect(secret.sort()).toEqual([
      'a2ui.ingest routeAuth',
      'agents.chat resume_token',
      'agents.chat.subscribe resume_token',
      'session.refresh jwt',
    ]);
  });

  test('in what comes back › are masked, whatever they stand in, and counted', () => {
    const key = `sbk_${'k'.repeat(43)}`;
    const answer = {
      token: 'secret-1',
      spec: { id: 'a', metadata: { token: { deep: ['secret-2'] }, api_key: 'secret-3', tokens: 7, words: key } },
      list: [{ resume_token: 'secret-4' }, { routeAuth: { type: 'bearer', token: 'secret-5' } }],
    };
    const { value, secrets } = masked(answer);
    const text = JSON.stringify(value);
    expect(text).not.toMatch(/secret-|sbk_/);
    expect(value).toMatchObject({ token: MASK, spec: { id: 'a', metadata: { tokens: 7, words: MASK } } });
    // `type` of an auth is one as well: what it stands in is.
    expect(secrets).toBe(7);
    expect(answer.token).toBe('secret-1');
  });
});

describe('what comes to the form’s connection beside the answers', () => {
  const frame = (message: object) => ({
    direction: 'in' as const,
    text: JSON.stringify({ jsonrpc: '2.0', ...message }),
  });

  test('answers, and what goes out › are not kept; the rest is, with its secrets masked', () => {
    const heard = new HeardFrames();
    expect(heard.hear(frame({ id: 1, result: {} }), 1)).toBe(false);
    expect(heard.hear({ ...frame({ method: 'agents.list' }), direction: 'out' }, 1)).toBe(false);
    expect(heard.hear(frame({ method: 'agents.chat.event', params: { delta: 'x', token: 'secret' } }), 2)).toBe(true);
    expect(heard.frames).toMatchObject([{ at: 2, method: 'agents.chat.event', params: { delta: 'x', token: MASK } }]);
  });

  test('more than there is room for › then the newest are kept; of one that is too large its name is', () => {
    const heard = new HeardFrames();
    const large = frame({ method: 'agents.chat.event', params: { delta: 'x'.repeat(MAX_FRAME) } });
    for (let n = 0; n < 500; n += 1) heard.hear(large, n);
    expect(heard.frames).toHaveLength(200);
    expect(heard.frames.every(({ params, method }) => params === undefined && method === 'agents.chat.event')).toBe(
      true,
    );
    for (let n = 0; n < 200; n += 1) heard.hear(frame({ method: 'm', params: { n, text: 'x'.repeat(100_000) } }), n);
    expect(heard.frames.at(-1)).toMatchObject({ params: { n: 199 } });
    expect(heard.frames.length).toBeLessThan(30);
    expect(heard.frames.length).toBeGreaterThan(10);
  });
});
