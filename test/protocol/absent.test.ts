import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readAbsent, takesNullAsAbsent } from '../../protocol/absent.ts';
import { agentApproveResult, chatApproveParams } from '../../protocol/approvals.ts';
import { list } from '../../protocol/bounds.ts';
import { agentChatResult } from '../../protocol/chat.ts';
import { EVENT_OPTIONALS, VOICE_EVENT_OPTIONALS } from '../../protocol/event-optionals.ts';
import { agentChatEvent, chatEventKinds } from '../../protocol/events.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { MethodSpec } from '../../protocol/method.ts';
import { methods } from '../../protocol/methods.ts';
import { voiceEvent, voiceEventTypes } from '../../protocol/voice.ts';

type Schema = z.core.$ZodType;

/** Every shape of the wire: of requests, notifications and answers both ways, of events and of what agents answer. */
const shapes: [name: string, schema: Schema][] = [
  ...Object.entries<MethodSpec>(methods).flatMap(([name, { params, result }]): [string, Schema][] => [
    [`${name} params`, params],
    ...(result ? [[`${name} result`, result] as [string, Schema]] : []),
  ]),
  ...Object.entries<Schema>(chatEventKinds).map(([kind, schema]): [string, Schema] => [`event ${kind}`, schema]),
  ...Object.entries<Schema>(voiceEventTypes).map(([type, schema]): [string, Schema] => [`voice.event ${type}`, schema]),
  ['event of another kind', agentChatEvent],
  ['voice.event of another type', voiceEvent],
  ['agent.chat answer', agentChatResult],
  ['agent.chat.approve answer', agentApproveResult],
  ['agent.chat.approve params', chatApproveParams],
];

/** A member of a shape that may be left out, and a value of the shape around it with whatever in its place. */
interface Place {
  path: string;
  member: Schema;
  around: (value: unknown) => unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: a definition differs with its type
const defOf = (schema: Schema): any => schema._zod.def;

/**
 * Every member that may be left out, at any depth. Written without a look at how the nulls are found: it goes through the
 * definitions by itself, and knows each type that a shape of the wire is made of.
 */
function optionalsOf(schema: Schema, path: string, around: Place['around'], seen: readonly Schema[] = []): Place[] {
  if (seen.includes(schema)) return [];
  const inner = (next: Schema, at: string, wrap: Place['around']) => optionalsOf(next, at, wrap, [...seen, schema]);
  const def = defOf(schema);
  switch (def.type) {
    case 'object':
      return Object.entries<Schema>(def.shape).flatMap(([name, member]) => {
        const wrap = (value: unknown) => around({ ...literals(def.shape), [name]: value });
        const own = z.safeParse(member, undefined).success ? [{ path: `${path}.${name}`, member, around: wrap }] : [];
        return [...own, ...inner(member, `${path}.${name}`, wrap)];
      });
    case 'array':
      return inner(def.element, `${path}[]`, (value) => around([value]));
    case 'record':
      return inner(def.valueType, `${path}{}`, (value) => around({ key: value }));
    case 'union':
      return def.options.flatMap((option: Schema, at: number) => inner(option, `${path}|${at}`, around));
    case 'optional':
    case 'default':
    case 'nullable':
      return inner(def.innerType, path, around);
    case 'pipe':
      return [...inner(def.in, path, around), ...inner(def.out, path, around)];
    default:
      // One that is not known here would hide what is in it.
      expect([
        'string',
        'number',
        'boolean',
        'literal',
        'enum',
        'unknown',
        'custom',
        'never',
        'transform',
        'int',
      ]).toContain(def.type);
      return [];
  }
}

/** What tells which variant of a shape it is. */
function literals(shape: Record<string, Schema>): JsonObject {
  return Object.fromEntries(
    Object.entries(shape).flatMap(([name, member]) => {
      const { type, values } = defOf(member);
      return type === 'literal' ? [[name, values[0]]] : [];
    }),
  );
}

const places = shapes.flatMap(([name, schema]) =>
  optionalsOf(schema, name, (value) => value).map((place) => ({ ...place, schema })),
);

/** The paths of a value's nulls. */
function nulls(value: unknown, path = ''): string[] {
  if (value === null) return [path];
  if (typeof value !== 'object') return [];
  return Object.entries(value as object).flatMap(([name, member]) => nulls(member, `${path}.${name}`));
}

test('the method table › there are optional members of every sort, and each is looked at below', () => {
  expect(places.length).toBeGreaterThan(150);
  const paths = places.map(({ path }) => path);
  for (const path of [
    'session.auth params.agent_id',
    'agents.chat params.goal.max_iterations',
    'agents.chat params.attachments[]|1.detail',
    'voice.tts_stream.start params.options.voice_id',
    'event done.text',
    'voice.event final.speaker',
    'a2ui.ingest params.owner.taskId',
    'inspect.subscribe result.machines{}.states{}.initial',
  ])
    expect(paths).toContain(path);
});

test.each(places)(
  '$path › when it is null › then it reads as left out, and nothing that was handed in is changed',
  (place) => {
    const { schema, member, around } = place;
    const value = around(null);
    const before = structuredClone(value);
    const read = readAbsent(schema, value);
    expect(value).toEqual(before);
    // What is taken as it comes keeps its null: there it means null.
    const isValue = z.safeParse(member, null).success;
    expect(nulls(read)).toHaveLength(isValue ? 1 : 0);
    expect(takesNullAsAbsent(member)).toBe(!isValue);
    // And it is no fault any more.
    const at = nulls(value)[0]?.slice(1).split('.') ?? [];
    const issues = z.safeParse(schema, read).error?.issues ?? [];
    // Of those of which one is needed, none is there.
    expect(issues.filter(({ path, code }) => code !== 'custom' && path.map(String).join() === at.join())).toEqual([]);
  },
);

describe('every shape', () => {
  const valued = places.filter(({ member }) => z.safeParse(member, null).success).map(({ path }) => path);

  test('in which null is a value of its own › those are the members that pass as they come', () => {
    // A member whose null should read as left out must not come into this list.
    const names = valued.map((path) => path.replace(/.*[.\]}]/, ''));
    expect([...new Set(names)].sort()).toEqual([
      'answer',
      'dataModel',
      'details',
      'display',
      'evidence',
      'goal',
      'output',
      'parameters',
      'params',
      'payload',
      'progress',
      'protocol_version',
      'theme',
    ]);
    // A session has none; a chat that says so leaves it out.
    expect(valued.filter((path) => path.endsWith('goal'))).toHaveLength(1);
  });

  test.each(shapes)('%s › when nothing in it is null › then it is handed back, no copy', (_name, schema) => {
    for (const value of [{}, [], { a: 1 }, 'x', 7, true, undefined]) expect(readAbsent(schema, value)).toBe(value);
  });
});

describe('readAbsent', () => {
  const schema = z.object({
    needed: z.string(),
    none: z.string().nullable(),
    maybe: z.string().optional(),
    either: z.string().nullable().optional(),
    preset: z.number().default(7),
    open: z.unknown().optional(),
    rows: list(z.object({ maybe: z.string().optional() }), 2).optional(),
  });

  test('what is needed, or may be null › then it keeps its null', () => {
    const value = { needed: null, none: null, maybe: null, either: null, preset: null, open: null, other: null };
    expect(readAbsent(schema, value)).toEqual({ needed: null, none: null, either: null, open: null, other: null });
  });

  test('what is taken as it comes › then its nulls stay, and it is the same object', () => {
    const open = { deep: [null, { a: null }] };
    const read = readAbsent(schema, { maybe: null, open }) as { open: unknown };
    expect(read.open).toBe(open);
  });

  test('an array that is too long › then nothing in it is looked at', () => {
    const value = { rows: [{ maybe: null }, { maybe: null }, { maybe: null }] };
    expect(readAbsent(schema, value)).toBe(value);
    expect(readAbsent(schema, { rows: value.rows.slice(1) })).toEqual({ rows: [{}, {}] });
  });

  test('a key named __proto__ › then it is kept as the key that it is', () => {
    const value = JSON.parse('{"maybe":null,"__proto__":{"needed":"x"}}');
    expect(JSON.stringify(readAbsent(schema, value))).toBe('{"__proto__":{"needed":"x"}}');
  });
});

test('the fields that a reader without schemas takes for optional › are those of the schemas', () => {
  const optional = (schemas: Record<string, z.ZodObject>) =>
    Object.fromEntries(
      Object.entries(schemas).flatMap(([kind, { shape }]) => {
        const names = Object.keys(shape).filter(
          (name) => name !== 'turn_id' && z.safeParse(shape[name] as Schema, undefined).success,
        );
        return names.length > 0 ? [[kind, names]] : [];
      }),
    );
  expect(EVENT_OPTIONALS).toEqual(optional(chatEventKinds));
  expect(VOICE_EVENT_OPTIONALS).toEqual(optional(voiceEventTypes));
});
