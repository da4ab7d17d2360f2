import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { greatestLength, list, MAX_ISSUES } from '../../protocol/bounds.ts';
import type { WireError } from '../../protocol/errors.ts';
import { chatEventKinds } from '../../protocol/events.ts';
import type { MethodSpec } from '../../protocol/method.ts';
import { methods } from '../../protocol/methods.ts';
import { parseParams } from '../../protocol/params.ts';
import { voiceEventTypes } from '../../protocol/voice.ts';

/** Every array and string inside a schema that has no end, by path. */
function endless(schema: z.core.$ZodType, path: string, seen = new Set<z.core.$ZodType>()): string[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  // biome-ignore lint/suspicious/noExplicitAny: a definition differs with its type
  const def = schema._zod.def as any;
  const inside = (inner: z.core.$ZodType | undefined, name: string) =>
    inner ? endless(inner, `${path}${name}`, seen) : [];
  const isOpen = ['string', 'array'].includes(def.type) && greatestLength(def) === Number.POSITIVE_INFINITY;
  return [
    ...(isOpen ? [`${path}: ${def.type}`] : []),
    ...Object.entries<z.core.$ZodType>(def.shape ?? {}).flatMap(([name, field]) => inside(field, `.${name}`)),
    ...(def.options ?? def.items ?? []).flatMap((option: z.core.$ZodType, at: number) => inside(option, `|${at}`)),
    ...inside(def.element, '[]'),
    ...inside(def.innerType, ''),
    ...inside(def.in, ''),
    ...inside(def.out, ''),
    ...inside(def.left, ''),
    ...inside(def.right, ''),
    ...inside(def.keyType, '{key}'),
    ...inside(def.valueType, '{}'),
    ...inside(def.catchall, '{rest}'),
    ...inside(typeof def.getter === 'function' ? def.getter() : undefined, ''),
  ];
}

test('the method table › every array and string of every message, event and answer has an end', () => {
  const schemas = [
    ...Object.entries<MethodSpec>(methods).flatMap(([name, { params, result }]) => [
      [`${name} params`, params] as const,
      ...(result ? [[`${name} result`, result] as const] : []),
    ]),
    ...Object.entries<z.ZodType>(chatEventKinds),
    ...Object.entries<z.ZodType>(voiceEventTypes),
  ];
  expect(schemas.length).toBeGreaterThan(100);
  expect(schemas.flatMap(([name, schema]) => endless(schema, name))).toEqual([]);
});

test('the walk › finds what has no end, wherever it is', () => {
  const open = z.object({
    a: z.string().optional(),
    b: list(z.object({ c: z.array(z.number()).default([]) }), 3),
    d: z.union([z.number(), z.string()]),
    e: z.record(z.string().max(1), z.string()),
    f: z.preprocess((value) => value, z.string()),
    get g() {
      return z.lazy(() => z.string()).optional();
    },
  });
  expect(endless(open, '').map((text) => text.replace(/:.*/, ''))).toEqual([
    '.a',
    '.b[].c',
    '.d|1',
    '.e{}',
    '.f',
    '.g',
  ]);
});

/** The issues that a value is refused with. */
function issuesOf(schema: z.ZodType, value: unknown): { path: string; message: string }[] {
  try {
    parseParams(schema, value);
    return [];
  } catch (error) {
    return ((error as WireError).data as { issues: [] }).issues;
  }
}

describe('a list', () => {
  /** Counts the elements that are looked at. */
  const counted = (most: number) => {
    let looks = 0;
    const element = z.unknown().refine((value) => {
      looks += 1;
      return typeof value === 'string';
    }, 'is a text');
    return { schema: z.object({ list: list(element, most) }), looks: () => looks };
  };

  test('with more elements than it may have › then none is looked at, and there is one issue', () => {
    const { schema, looks } = counted(3);
    expect(issuesOf(schema, { list: [1, 2, 3, 4] }).map(({ path }) => path)).toEqual(['list']);
    expect(looks()).toBe(0);
  });

  test('with wrong elements › then twenty are named, and no more are looked at', () => {
    const { schema, looks } = counted(100_000);
    const paths = issuesOf(schema, { list: new Array(100_000).fill(7) }).map(({ path }) => path);
    expect(paths).toEqual(Array.from({ length: MAX_ISSUES }, (_, at) => `list.${at}`));
    expect(looks()).toBe(MAX_ISSUES);
  });

  test('inside another › then the limit holds for both together', () => {
    const { schema, looks } = counted(10);
    const rows = new Array(1_000).fill({ list: new Array(10).fill(7) });
    expect(issuesOf(z.object({ rows: list(schema, 1_000) }), { rows })).toHaveLength(MAX_ISSUES);
    expect(looks()).toBe(MAX_ISSUES);
  });

  test('otherwise › then it is an array like any other, a copy and checks put to it included', () => {
    const schema = list(z.string().max(3).default('x'), 3).min(2).meta({ description: 'some' });
    expect(schema.parse(['a', undefined])).toEqual(['a', 'x']);
    expect(schema.safeParse(['a']).error?.issues).toMatchObject([{ code: 'too_small' }]);
    expect(schema.safeParse(['a', 'b', 'c', 'd']).error?.issues).toMatchObject([{ code: 'too_big', maximum: 3 }]);
    expect(schema.safeParse({ length: 1 }).error?.issues).toMatchObject([{ code: 'invalid_type' }]);
    expect(z.toJSONSchema(schema)).toMatchObject({ type: 'array', minItems: 2, maxItems: 3, description: 'some' });
  });
});

test('parseParams › when keys of the sender’s are named › then the answer is short all the same', () => {
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`key${at}`, 1]));
  const [issue] = issuesOf(z.strictObject({}), many);
  expect(issue?.message.length).toBeLessThan(300);
});
