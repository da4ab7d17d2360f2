import type { AnySchemaObject } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { defName, WIRE_SCHEMA } from '../../docs/wire-schema.ts';
import { chatEventKinds } from '../../protocol/events.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { MethodSpec } from '../../protocol/method.ts';
import { methods } from '../../protocol/methods.ts';
import { voiceEventTypes } from '../../protocol/voice.ts';
import { page } from './support.ts';
import { ajv, faults, schema } from './wire-validator.ts';

const all = Object.entries<MethodSpec>(methods);
const DEFS = schema.$defs as Record<string, AnySchemaObject>;

/** The frames that a broker and its clients really sent, as `docs/protocol.md` shows them. */
const RECORDED = [...page('docs/protocol.md').matchAll(/^\/\/ ([\w ]+) → ([\w ]+)\n(\{.*\})$/gm)].map(
  ([, from = '', to = '', text = '']) => ({ from, to, frame: JSON.parse(text) as JsonObject }),
);

describe(WIRE_SCHEMA, () => {
  it('is a JSON Schema', () => {
    expect(ajv.validateSchema(schema), ajv.errorsText()).toBe(true);
  });

  it.each(Object.keys(DEFS))('can be used from %s on: every reference leads somewhere', (def) => {
    expect(ajv.getSchema(`wire#/$defs/${def}`)).toBeTypeOf('function');
  });

  it.each(all)('has the parameters, the result and the frame of %s', (key, { name = key, kind, direction, result }) => {
    expect(DEFS).toHaveProperty([`${defName(key)}.params`]);
    expect(Object.hasOwn(DEFS, `${defName(key)}.result`)).toBe(result !== undefined);
    const frame = DEFS[`${defName(key)}.frame`];
    expect(frame).toMatchObject({ properties: { method: { const: name } } });
    expect(frame?.required.includes('id')).toBe(kind === 'request');
    const side = DEFS[direction === 'in' ? 'fromClient' : 'fromBroker'];
    expect(side?.anyOf).toContainEqual({ $ref: `#/$defs/${defName(key)}.frame` });
  });

  it('has every event', () => {
    for (const kind of Object.keys(chatEventKinds)) expect(DEFS).toHaveProperty([`event.${kind}`]);
    for (const type of Object.keys(voiceEventTypes)) expect(DEFS).toHaveProperty([`voice-event.${type}`]);
  });

  it('has a name of its own for each', () => {
    expect(new Set(all.map(([key]) => defName(key))).size).toBe(all.length);
  });

  it('forbids no field that it does not know: those are ignored', () => {
    expect(JSON.stringify(schema)).not.toContain('"additionalProperties":false');
  });
});

describe('the frames of docs/protocol.md', () => {
  it('are many, and in both directions', () => {
    expect(RECORDED.length).toBeGreaterThan(40);
    expect(RECORDED.filter(({ to }) => to === 'broker').length).toBeGreaterThan(15);
  });

  it.each(RECORDED.map((one) => [JSON.stringify(one.frame).slice(0, 100), one] as const))('%s', (_text, one) => {
    const { from, frame } = one;
    const isMeantToBeWrong = JSON.stringify(frame).includes('po et');
    const found = faults(frame, from === 'broker' ? 'fromBroker' : 'fromClient');
    if (isMeantToBeWrong && frame.method !== undefined) expect(found).not.toEqual([]);
    else expect(found.slice(0, 3)).toEqual([]);
    if (!isMeantToBeWrong) expect(faults(frame)).toEqual([]);
  });

  it('answer with the result of the method that was asked', () => {
    let answers = 0;
    RECORDED.forEach(({ from, to, frame }, index) => {
      if (!('result' in frame)) return;
      const asked = RECORDED.slice(0, index).findLast(
        (one) => one.from === to && one.to === from && one.frame.id === frame.id && 'method' in one.frame,
      );
      const direction = to === 'broker' ? 'out' : 'in';
      const entry = all.find(
        ([key, spec]) => (spec.name ?? key) === asked?.frame.method && spec.direction === direction,
      );
      expect(entry, JSON.stringify(frame)).toBeDefined();
      expect(faults(frame.result, `${defName(entry?.[0] ?? '')}.result`).slice(0, 3)).toEqual([]);
      answers += 1;
    });
    expect(answers).toBeGreaterThan(10);
  });
});

describe('a frame that the broker would refuse', () => {
  const event = (fields: object) => ({
    jsonrpc: '2.0',
    method: 'agent.chat.event',
    params: { session_id: 's', turn_id: 't', ...fields },
  });
  it.each([
    ['of another version', { jsonrpc: '1.0', id: 1, method: 'agents.list', params: {} }],
    ['of no method', { jsonrpc: '2.0', id: 1, params: {} }],
    ['of a method that there is not', { jsonrpc: '2.0', id: 1, method: 'agents.dance', params: {} }],
    ['without what is needed', { jsonrpc: '2.0', id: 1, method: 'agents.chat', params: { agent_id: 'echo' } }],
    ['without parameters', { jsonrpc: '2.0', id: 1, method: 'agents.chat' }],
    [
      'with a field of the wrong type',
      { jsonrpc: '2.0', id: 1, method: 'agents.chat.cancel', params: { session_id: 7 } },
    ],
    ['a token without its delta', event({ kind: 'token' })],
    ['a token that is no text', event({ kind: 'token', delta: 1 })],
    ['an event of no kind', event({ delta: 'x' })],
    ['an array', [{ jsonrpc: '2.0', id: 1, method: 'agents.list', params: {} }]],
  ])('%s › does not fit', (_what, frame) => {
    expect(faults(frame)).not.toEqual([]);
  });

  it.each([
    ['of a kind of its own', event({ kind: 'mood', mood: 'good' })],
    ['with a field that nobody knows', event({ kind: 'token', delta: 'x', colour: 'red' })],
    ['a request that needs no parameters', { jsonrpc: '2.0', id: 'a', method: 'agents.list' }],
    ['an error', { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'not JSON' } }],
  ])('%s › fits', (_what, frame) => {
    expect(faults(frame)).toEqual([]);
  });
});
