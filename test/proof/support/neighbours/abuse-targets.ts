import { z } from 'zod';
import type { MethodSpec } from '../../../../protocol/method.ts';
import { methods } from '../../../../protocol/methods.ts';
import type { Schema } from '../from-schema.ts';
import { INNOCENT } from './innocents.ts';

/** A place in the parameters of a method where as much may be put as there is room for. */
export interface Target {
  method: string;
  isRequest: boolean;
  /** Where, in words. */
  path: string;
  /** What the schema has there. */
  kind: 'array' | 'string' | 'any';
  /** The parameters as JSON, but for what is put there. */
  wrap(filler: string): string;
}

const HOLE = '@hole@';
const MEANING: Record<string, unknown> = {
  agent_id: INNOCENT,
  protocol_version: 3,
  type: 'image_url',
  kind: 'pcm_push',
};
/** Levels of a schema that are walked: deeper ones are not ours. */
const MAX_LEVELS = 4;

/** Every array, string and open value in the parameters of everything that a client may send. */
export const TARGETS: Target[] = Object.entries<MethodSpec>(methods)
  .filter(([, { direction }]) => direction === 'in')
  .flatMap(([key, { name: method = key, kind, params }]) => {
    const schema = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }) as Schema;
    return [...holes(schema, '', (value) => value, 0)].map(({ path, kind: what, value }) => {
      const [head = '', tail = ''] = JSON.stringify(value).split(`"${HOLE}"`);
      return {
        method,
        isRequest: kind === 'request',
        path,
        kind: what,
        wrap: (filler: string) => `${head}${filler}${tail}`,
      };
    });
  });

interface Hole {
  path: string;
  kind: Target['kind'];
  value: unknown;
}

/** `around` puts a value where it belongs in the whole. */
function* holes(schema: Schema, path: string, around: (value: unknown) => unknown, level: number): Generator<Hole> {
  if (level > MAX_LEVELS) return;
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants) {
    for (const variant of variants) yield* holes(variant, path, around, level + 1);
    return;
  }
  const { type, properties, items } = schema;
  const kind =
    type === 'array' || type === 'string' ? type : type === 'object' || type === undefined ? 'any' : undefined;
  if (kind && schema.const === undefined && !schema.enum) yield { path: path || '/', kind, value: around(HOLE) };
  if (items) yield* holes(items, `${path}/0`, (value) => around([value]), level + 1);
  for (const [name, field] of Object.entries(properties ?? {})) {
    yield* holes(field, `${path}/${name}`, (value) => around({ ...least(schema), [name]: value }), level + 1);
  }
}

/** The least that an object of this schema has. */
function least({ properties = {}, required = [] }: Schema): Record<string, unknown> {
  return Object.fromEntries(required.map((name) => [name, MEANING[name] ?? smallest(properties[name] ?? {})]));
}

function smallest(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const [variant] = schema.anyOf ?? schema.oneOf ?? [];
  if (variant) return smallest(variant);
  if (schema.type === 'array') return [];
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return true;
  return schema.type === 'string' ? 'x' : least(schema);
}
