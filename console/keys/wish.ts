import { ErrorCode, type InputOf, RpcError } from '../../client/browser.ts';
import type { Front, Scope } from '../../protocol/grants.ts';
import type { MadeKey } from '../../protocol/keys.ts';
import { KEY_LIMITS } from '../../protocol/shared-limits.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { explain, NO_CONNECTION } from '../refusal.ts';
import { host } from '../session.ts';

const HOUR_MS = 60 * 60 * 1_000;
/** How long a key may last, in words. Undefined: until it is revoked. */
export const LASTS: readonly (readonly [words: string, ms: number | undefined])[] = [
  ['when it is revoked', undefined],
  ['in an hour', HOUR_MS],
  ['in a day', 24 * HOUR_MS],
  ['in 7 days', 7 * 24 * HOUR_MS],
  ['in 30 days', 30 * 24 * HOUR_MS],
  ['in 90 days', 90 * 24 * HOUR_MS],
  ['in a year', 365 * 24 * HOUR_MS],
];

/** What came of it: the key and its secret, or why there is none. */
export type Outcome = { made: MadeKey } | { problem: string };

/** What the form says of a key that is to be. What is empty is left to the daemon. */
export function wishOf(form: FormData): InputOf<'keys.add'> {
  const text = (name: string) => String(form.get(name) ?? '').trim() || undefined;
  const some = <T>(list: readonly T[]) => (list.length > 0 ? [...list] : undefined);
  const limits = KEY_LIMITS.flatMap((name) => {
    const most = text(`limits.${name}`);
    return most === undefined ? [] : [[name, Number(most)] as const];
  });
  const agents = (text('agents') ?? '').split(/[\s,]+/).filter(Boolean);
  return {
    name: text('name') ?? '',
    sub: text('sub'),
    tenant: text('tenant'),
    scopes: some(form.getAll('scopes') as Scope[]),
    agents: some(agents),
    fronts: some(form.getAll('fronts') as Front[]),
    limits: limits.length > 0 ? Object.fromEntries(limits) : undefined,
    expires_in_ms: LASTS[Number(form.get('lasts') ?? 0)]?.[1],
  };
}

/** Makes a key (`keys.add`). Never rejects. */
export async function make(wish: InputOf<'keys.add'>): Promise<Outcome> {
  const connection = host.peek();
  if (!connection) return { problem: NO_CONNECTION };
  try {
    return { made: await connection.request('keys.add', wish) };
  } catch (error) {
    if (error instanceof RpcError) return { problem: explainKey(error) };
    const name = visibleLine(wish.name);
    return {
      problem: `The connection was lost before the answer came. If ${name} is in the list, revoke it: its secret was never shown.`,
    };
  }
}

/** Ends a key (`keys.remove`). Never rejects. @returns why it is not ended, if so */
export async function revoke(key: { name: string; tenant: string }): Promise<string | undefined> {
  const connection = host.peek();
  if (!connection) return NO_CONNECTION;
  try {
    // That it was gone already is as good.
    await connection.request('keys.remove', key);
    return undefined;
  } catch (error) {
    return error instanceof RpcError
      ? explainKey(error)
      : 'The connection was lost before the answer came. Look again.';
  }
}

function explainKey(error: RpcError): string {
  if (error.code === ErrorCode.NotFound) return 'Tenant: whoever is signed in here manages another one.';
  return explain(error, LABELS);
}

/** What the form calls what the wire calls so. */
const LABELS: Readonly<Record<string, string>> = {
  name: 'Name',
  sub: 'Whose it is',
  tenant: 'Tenant',
  scopes: 'May',
  agents: 'Agents',
  fronts: 'Ways in',
  limits: 'Limits',
  expires_in_ms: 'Ends',
};
