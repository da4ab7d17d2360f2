import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { StandardSchema } from '../../client/node.ts';
import { RealBroker, rejection } from './real-broker.ts';

/** A validator that keeps to Standard Schema and cannot say its JSON Schema. */
const even: StandardSchema<{ n: number }> = {
  '~standard': {
    version: 1,
    vendor: 'by hand',
    validate: async (value) => {
      const n = (value as { n?: unknown } | null)?.n;
      if (typeof n === 'number' && n % 2 === 0) return { value: { n } };
      return { issues: [{ message: 'is not even', path: [{ key: 'n' }] }] };
    },
  },
};
const JSON_SCHEMA = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };

async function called(options: object, args: unknown) {
  const real = await RealBroker.start();
  const answers: unknown[] = [];
  await real.agent(async ({ tools }) => {
    answers.push(tools.list, await tools.call('t', args).catch((error: unknown) => error));
  });
  const host = await real.host();
  await host.tool('t', options, (given) => ({ given }));
  await host.chat('echo', 'go').text();
  return answers as [{ parameters?: unknown }[], unknown];
}

describe('host.tool › parameters', () => {
  it('as JSON Schema › are told as they stand, and arguments are handed over', async () => {
    const [tools, answer] = await called({ parameters: JSON_SCHEMA }, { n: 'any' });
    expect(tools[0]?.parameters).toEqual(JSON_SCHEMA);
    expect(answer).toEqual({ given: { n: 'any' } });
  });

  it('as JSON Schema with validate › are told, and checked by that', async () => {
    const options = { parameters: JSON_SCHEMA, validate: even };
    expect((await called(options, { n: 2 }))[1]).toEqual({ given: { n: 2 } });
    const [, refusal] = await called(options, { n: 3 });
    expect(refusal).toMatchObject({ code: -32602, data: { issues: [{ path: 'n', message: 'is not even' }] } });
  });

  it('of zod › are told as JSON Schema, and checked', async () => {
    const [tools, refusal] = await called({ parameters: z.object({ n: z.number() }) }, { n: 'x' });
    expect(tools[0]?.parameters).toMatchObject(JSON_SCHEMA);
    expect(refusal).toMatchObject({ code: -32602, data: { issues: [{ path: 'n' }] } });
  });

  it.each<[what: string, options: object, says: string]>([
    ['a validator that cannot say its JSON Schema', { parameters: even }, 'by hand cannot say this as JSON Schema'],
    ['fields without their object', { parameters: { n: z.number() } }, 'one schema, of an object'],
    ['a text', { parameters: 'n: number' }, 'parameters is a JSON Schema or a Standard Schema'],
    ['validate alone', { validate: even }, 'beside validate, parameters is the JSON Schema'],
    ['both that check', { parameters: z.object({}), validate: even }, 'with validate, parameters is a JSON Schema'],
    ['validate that is none', { parameters: JSON_SCHEMA, validate: {} }, 'validate is a Standard Schema'],
  ])('%s › is refused, in words', async (_what, options, says) => {
    const host = await (await RealBroker.start()).host();
    const error = await rejection(host.tool('t', options, () => 1));
    expect(error).toMatchObject({ name: 'TypeError', message: expect.stringContaining(says) });
  });
});
