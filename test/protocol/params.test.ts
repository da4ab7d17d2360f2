import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { upsertParams } from '../../protocol/agents.ts';
import { chatParams } from '../../protocol/chat.ts';
import { ErrorCode, type Issue, WireError } from '../../protocol/errors.ts';
import { MAX_DEPTH, unwritable } from '../../protocol/json.ts';
import { jsonObject } from '../../protocol/json-object.ts';
import { parseParams } from '../../protocol/params.ts';

/** The issues that `params` are refused with; fails where they are not. */
function issuesOf(schema: z.ZodType, params: unknown): Issue[] {
  try {
    parseParams(schema, params);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    expect(error.code).toBe(ErrorCode.InvalidParams);
    return (error.data as { issues: Issue[] }).issues;
  }
  throw new Error('the parameters were accepted');
}

const pathsOf = (schema: z.ZodType, params: unknown) => issuesOf(schema, params).map((issue) => issue.path);

/** Arrays in arrays, `levels` of them. */
function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}

describe('parseParams › when fields are wrong', () => {
  test('at the top › then every one of them is named', () => {
    expect(pathsOf(chatParams, { prompt: 1, stream: 'yes', on_busy: 'wait', session_id: 'a b' })).toEqual([
      'agent_id',
      'prompt',
      'session_id',
      'stream',
      'on_busy',
    ]);
  });

  test('further down › then the path is dotted, with an array’s index', () => {
    const params = {
      agent_id: 'a',
      prompt: '',
      goal: { check: '', max_iterations: 'many' },
      attachments: [
        { type: 'image_url', url: 'https://x/y.png' },
        { type: 'image_url', url: 'file:///etc/passwd' },
        { type: 'image_base64', data: 'AA', media_type: 'image/bmp' },
        { type: 'video' },
        7,
      ],
    };
    expect(pathsOf(chatParams, params)).toEqual([
      'attachments.1.url',
      'attachments.2.media_type',
      'attachments.3.type',
      'attachments.4',
      'goal.check',
      'goal.max_iterations',
    ]);
  });

  test('all of them › then each issue has a message, which the error repeats', () => {
    const [issue] = issuesOf(upsertParams, { id: 'no spaces' });
    expect(issue).toEqual({ path: 'id', message: '1–128 of [A-Za-z0-9._-]' });
    expect(() => parseParams(upsertParams, { id: 'no spaces' })).toThrow('id: 1–128 of [A-Za-z0-9._-]');
  });

  test('up to twenty of them › then each is named', () => {
    const paths = pathsOf(upsertParams, { id: 'a', capabilities: new Array(20).fill(7) });
    expect(paths).toEqual(Array.from({ length: 20 }, (_, n) => `capabilities.${n}`));
  });

  test('in their thousands › then the answer does not grow with them', () => {
    const paths = pathsOf(z.object({ list: z.array(z.string()) }), { list: new Array(5_000).fill(7) });
    expect(paths).toEqual(Array.from({ length: 20 }, (_, n) => `list.${n}`));
  });
});

describe('parseParams › when params are no object', () => {
  test('absent › then they count as empty', () => {
    expect(parseParams(z.object({ a: z.string().default('x') }), undefined)).toEqual({ a: 'x' });
    expect(pathsOf(upsertParams, undefined)).toEqual(['id']);
  });

  test('an array, for a method with names › then they are refused as a whole', () => {
    expect(pathsOf(upsertParams, [{ id: 'a' }])).toEqual(['']);
  });
});

describe('parseParams › when params are nested', () => {
  const open = z.object({ context: jsonObject });

  test('as deep as allowed › then they are taken', () => {
    const params = { context: { deep: nested(MAX_DEPTH - 2) } };
    expect(parseParams(open, params)).toEqual(params);
  });

  test('one level deeper › then they are refused', () => {
    expect(issuesOf(open, { context: { deep: nested(MAX_DEPTH - 1) } })).toEqual([
      { path: '', message: `nested deeper than ${MAX_DEPTH} levels` },
    ]);
  });

  test('a hundred thousand levels, in a field that nobody asked for › then they are refused and the stack holds', () => {
    expect(issuesOf(z.object({}), { other: nested(100_000) })).toHaveLength(1);
  });
});

test('jsonObject › when an object has a key named __proto__ › then it passes as it came', () => {
  const metadata = JSON.parse('{"__proto__":{"a":1},"constructor":2}');
  const parsed = parseParams(upsertParams, { id: 'a', metadata });
  expect(JSON.stringify(parsed.metadata)).toBe('{"__proto__":{"a":1},"constructor":2}');
});

test('unwritable › when a value refers to itself › then it comes to an end', () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  expect(unwritable(loop)).toMatch(/nested/);
  expect(unwritable([{ a: Number.POSITIVE_INFINITY }])).toMatch(/number/);
  expect(unwritable('text')).toBeUndefined();
  expect(unwritable(null)).toBeUndefined();
});
