import type { HeldKey, Identity } from '../../machines/connection.machine.ts';
import type { KeyLimits } from '../../protocol/shared-limits.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { KeyRecord } from './key-store.ts';

/** What a connection holds of the key that it came by. Its hash is shown to nobody, whoever inspects the event. */
export class Held implements HeldKey {
  readonly id: string;
  readonly expiresAt: number | undefined;
  readonly createdAt: string;
  readonly fronts: ReadonlySet<string> | undefined;
  readonly limits: KeyLimits | undefined;
  readonly #hash: string;

  constructor(id: string, { record, expiresAt }: { record: KeyRecord; expiresAt: number }, hash: string) {
    this.id = id;
    this.#hash = hash;
    this.expiresAt = expiresAt === Number.POSITIVE_INFINITY ? undefined : expiresAt;
    this.createdAt = record.created_at;
    this.fronts = record.fronts && new Set(record.fronts);
    this.limits = record.limits;
  }

  /** Whether that is the token that it came by. */
  isOf(hash: string | undefined): boolean {
    return hash === this.#hash;
  }
}

const functions = new WeakMap<readonly string[], NonNullable<Identity['mayUse']>>();
const lists = new WeakMap<NonNullable<Identity['mayUse']>, readonly string[]>();

/** The same function for a key each time, after a rotation too: what its connections are told of goes by it. */
export function mayUseOf(agents: readonly string[]): NonNullable<Identity['mayUse']> {
  const known = functions.get(agents);
  if (known) return known;
  const set = new Set(agents);
  const mayUse = (agentId: string) => set.has(agentId);
  functions.set(agents, mayUse);
  lists.set(mayUse, agents);
  return mayUse;
}

/** The list that such a function goes by; undefined where it is none of a key's. */
export const agentsOf = (mayUse: NonNullable<Identity['mayUse']>): readonly string[] | undefined => lists.get(mayUse);

/** What connections of a key go by is the same object while it says the same. */
export function sameParts(before: KeyRecord, after: KeyRecord): KeyRecord {
  const { agents, limits } = before;
  return {
    ...after,
    ...(agents && writeJson(agents) === writeJson(after.agents ?? null) ? { agents } : {}),
    ...(limits && writeJson(limits) === writeJson(after.limits ?? null) ? { limits } : {}),
  };
}
