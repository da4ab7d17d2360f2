import type { Plugin } from 'vite';
import { defName, wireSchema } from '../docs/wire-schema.ts';
import { requests } from '../protocol/methods.ts';
import type { CallableMethod, Schema } from './methods/schema.ts';

/**
 * Requests that change nothing, though they are not for everybody who may observe: `reads` of the method table says whether
 * that is so.
 */
export const LOOKS: ReadonlySet<string> = new Set([
  'keys.list',
  'memory.query',
  'memory.fact_count',
  'inspect.subscribe',
  'inspect.unsubscribe',
]);
/** Requests that an observer may send, and that change something for who sends more than that: a turn is taken over. */
export const CHANGES: ReadonlySet<string> = new Set(['agents.chat.subscribe']);

const ID = 'virtual:method-table';
/** So that no other plugin takes it for a file. */
const RESOLVED = `\0${ID}`;

/** What `import('virtual:method-table')` gives: every request that the host role may send, from the method table itself. */
export function methodTable(): Plugin {
  return {
    name: 'method-table',
    // Asked for this one module alone: what is asked for each takes its time.
    resolveId: { filter: { id: new RegExp(`^${ID}$`) }, handler: () => RESOLVED },
    load: {
      filter: { id: new RegExp(`^${RESOLVED}$`) },
      handler: () => `export default JSON.parse(${JSON.stringify(JSON.stringify(callableMethods()))})`,
    },
  };
}

/** See {@link methodTable}. An agent's requests, and those before a connection has said who it is, are left out. */
export function callableMethods(): CallableMethod[] {
  const { $defs } = JSON.parse(wireSchema()) as { $defs: Record<string, Schema> };
  return [...requests].flatMap(([name, { role, summary, section, reads, audited, errors = [], secret = [] }]) => {
    if (role !== 'any' && role !== 'host') return [];
    const params = { ...$defs[`${defName(name)}.params`] };
    if (params.properties) {
      // What every request may say besides.
      const { _meta: _, ...properties } = params.properties;
      params.properties = properties;
    }
    return [
      {
        name,
        summary,
        section,
        role,
        changes: CHANGES.has(name) || !(reads || LOOKS.has(name)),
        audited: audited ?? false,
        errors,
        secret,
        params,
      },
    ];
  });
}
