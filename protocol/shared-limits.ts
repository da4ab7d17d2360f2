import { nearestOf } from './options.ts';

/*
 * Limits that all connections of one person, one agent, one tenant or one key share (`docs/protocol.md#shared-limits`). None is set by
 * default, and none is for the daemon's own person, `default/local`.
 */

/** What is limited of one person, who is no agent. */
const OF_IDENTITY = ['chats', 'turns', 'deltas', 'bytes', 'connections', 'tools'] as const;
/** Of one agent, or of all that one principal has attached: their connections are one each, and take each other over. */
const OF_AGENT = ['chats', 'turns', 'deltas', 'bytes', 'tools'] as const;
/** Of one tenant, its agents included. The last four are what it keeps. */
const OF_TENANT = [...OF_IDENTITY, 'agents', 'keys', 'listed', 'events'] as const;

/** What is limited of one key, where it has limits of its own: by all connections and requests that come by it. */
export const KEY_LIMITS = OF_IDENTITY;
/** See {@link KEY_LIMITS}. */
export type KeyLimit = (typeof KEY_LIMITS)[number];
/** Those that a key has. */
export type KeyLimits = Readonly<Partial<Record<KeyLimit, number | undefined>>>;

/** Whose limit it is. */
export type LimitScope = 'identity' | 'agent' | 'tenant' | 'key';

/** What is limited: `chats`, `deltas`, `bytes` and `tools` a second; of the others, how many there are at once. */
export type Measure = (typeof OF_TENANT)[number];

/** A limit's name, as `--limit` takes it and `-32020` says it. */
export type SharedLimit =
  | `identity.${(typeof OF_IDENTITY)[number]}`
  | `agent.${(typeof OF_AGENT)[number]}`
  | `tenant.${(typeof OF_TENANT)[number]}`;

/** A limit's name, as `-32020` says it: one that is set for all, or a key's own. */
export type LimitName = SharedLimit | `key.${KeyLimit}`;

/** All of them. */
export const SHARED_LIMITS: readonly SharedLimit[] = [
  ...OF_IDENTITY.map((measure) => `identity.${measure}` as const),
  ...OF_AGENT.map((measure) => `agent.${measure}` as const),
  ...OF_TENANT.map((measure) => `tenant.${measure}` as const),
];

/** Those that are set. */
export type SharedLimits = Partial<Record<SharedLimit, number>>;

/** Largest that one can be. */
export const MAX_SHARED_LIMIT = 1e12;

/** What a limit is, in words that follow "takes". */
export const SHARED_LIMIT_VALUE = `a whole number from 1 to ${MAX_SHARED_LIMIT}`;

/** Whether something is bounded by this number. */
const isSharedLimitValue = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MAX_SHARED_LIMIT;

/** Whether there is a limit of this name. */
const isSharedLimit = (name: string): name is SharedLimit => (SHARED_LIMITS as readonly string[]).includes(name);

/** `NAME=N`, as `--limit` takes it; undefined where it is none. */
export function readSharedLimit(text: string): readonly [SharedLimit, number] | undefined {
  return readLimit(text, isSharedLimit);
}

/** The same of a key's own, which have no word before their names. */
export function readKeyLimit(text: string): readonly [KeyLimit, number] | undefined {
  return readLimit(text, isKeyLimit);
}

function readLimit<T extends string>(
  text: string,
  isOne: (name: string) => name is T,
): readonly [T, number] | undefined {
  const [, name = '', digits = ''] = /^([a-z.]+)=(\d{1,13})$/.exec(text) ?? [];
  return isOne(name) && isSharedLimitValue(Number(digits)) ? [name, Number(digits)] : undefined;
}

const isKeyLimit = (name: string): name is KeyLimit => (KEY_LIMITS as readonly string[]).includes(name);

/**
 * The limits that an embedder sets; one that is `undefined` is none.
 * @throws {RangeError} where one is unknown, or no number that could bound anything
 */
export function checkSharedLimits(wanted: SharedLimits = {}): SharedLimits {
  const limits: SharedLimits = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    if (!isSharedLimit(name)) throw new RangeError(unknown(name));
    if (!isSharedLimitValue(value)) throw new RangeError(`sharedLimits, ${name}: ${SHARED_LIMIT_VALUE}`);
    limits[name] = value;
  }
  return limits;
}

function unknown(name: string): string {
  const nearest = nearestOf(name, SHARED_LIMITS);
  return `sharedLimits, ${name}: there is no such limit${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}
