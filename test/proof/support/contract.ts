import { readAbsent } from '../../../protocol/absent.ts';
import { unread } from '../../../protocol/frame-scan.ts';
import { ErrorCode, methods } from '../../../protocol/index.ts';
import { isObject } from '../../../protocol/json.ts';
import type { MethodSpec } from '../../../protocol/method.ts';
import { requests } from '../../../protocol/methods.ts';
import { parseParams } from '../../../protocol/params.ts';
import { parseJson } from '../../../protocol/parse-json.ts';

/** What the wire contract says that a text frame is answered with. */
export type Due =
  | { kind: 'nothing' }
  /** An error with `id: null`. `settles`: none, where that is the id of a request of the daemon's that still waits. */
  | { kind: 'unnamed'; code: number; settles?: string }
  /** One reply with the frame's own id, written as JSON in `id`. */
  | { kind: 'reply'; id: string; method: string | undefined; codes: ReadonlySet<number>; mayFit: boolean };

/** Whose frames they are. */
export type Caller = 'client' | 'agent' | 'host';

const codesOf = (names: readonly (keyof typeof ErrorCode)[]) => new Set<number>(names.map((name) => ErrorCode[name]));
const UNKNOWN = codesOf(['MethodNotFound', 'LimitExceeded']);
const UNFIT = codesOf(['InvalidParams', 'LimitExceeded']);
const INVALID: ReadonlySet<number> = codesOf(['InvalidRequest']);
const VALID = new Map(
  [...requests].map(([name, { errors = [] }]) => [name, codesOf(['InvalidParams', 'LimitExceeded', ...errors])]),
);

/** An id of more bytes, as text, is none (`wire.md` section 2). */
const MAX_ID_BYTES = 256;

/** What is due to a frame of a client that has authenticated (`wire.md` sections 1 and 2). */
export function dueTo(text: string, caller: Caller): Due {
  let message: unknown;
  try {
    message = parseJson(text);
  } catch {
    return { kind: 'unnamed', code: ErrorCode.ParseError };
  }
  const invalid: Due = { kind: 'unnamed', code: ErrorCode.InvalidRequest };
  if (!isObject(message)) return invalid;
  const { id, method, params } = message;
  const hasId = Object.hasOwn(message, 'id');
  if (hasId && typeof id !== 'string' && typeof id !== 'bigint' && !Number.isFinite(id)) return invalid;
  if (hasId && Buffer.byteLength(String(id)) > MAX_ID_BYTES) return invalid;
  const isAnswer = Object.hasOwn(message, 'result') || Object.hasOwn(message, 'error');
  if (!Object.hasOwn(message, 'method') || (method === null && isAnswer)) {
    if (isResponse(message)) return { kind: 'nothing' };
    return hasId ? { ...invalid, settles: idText(id) } : invalid;
  }
  const isCall = message.jsonrpc === '2.0' && typeof method === 'string' && (params ?? {}) instanceof Object;
  if (!hasId) return isCall ? { kind: 'nothing' } : invalid;
  const due = { kind: 'reply', id: idText(id), mayFit: false } as const;
  if (!isCall) return { ...due, method: undefined, codes: INVALID };
  const name = method as string;
  // Refused before anybody looks at its method; what is refused so is held to the contract in test/protocol/.
  if (unread(text)) return { ...due, method: name, codes: UNFIT };
  const spec = requests.get(name);
  if (!spec || (spec.role === 'host' && caller !== 'host')) return { ...due, method: name, codes: UNKNOWN };
  const fits = areParams(spec, params);
  return { ...due, method: name, codes: fits ? (VALID.get(name) ?? UNFIT) : UNFIT, mayFit: fits };
}

/** An id as it is written: two numbers that JavaScript rounds to the same are two ids. */
export function idText(id: unknown): string {
  return typeof id === 'bigint' ? String(id) : JSON.stringify(id);
}

/** As the broker reads them; what that reads as absent is held against the table in test/protocol/. */
function areParams({ params: schema, readAs }: MethodSpec, params: unknown): boolean {
  try {
    parseParams(schema, readAs?.(params) ?? params);
    return true;
  } catch {
    return false;
  }
}

function isResponse(message: Record<string, unknown>): boolean {
  if (message.jsonrpc !== '2.0' || !Object.hasOwn(message, 'id')) return false;
  const error = message.error ?? undefined;
  if (error === undefined) return Object.hasOwn(message, 'result');
  return (
    (message.result ?? undefined) === undefined &&
    isObject(error) &&
    Number.isInteger(error.code) &&
    typeof error.message === 'string'
  );
}

/** What the daemon sends of itself, by its name on the wire, which two may share. */
const outgoing = new Map<string, MethodSpec[]>();
for (const [key, spec] of Object.entries<MethodSpec>(methods)) {
  const { name = key, direction } = spec;
  if (direction === 'out') outgoing.set(name, [...(outgoing.get(name) ?? []), spec]);
}

/** Why a reply breaks the contract, if it does. */
export function breachOfReply(
  reply: Record<string, unknown>,
  due: Extract<Due, { kind: 'reply' }>,
): string | undefined {
  if (Object.hasOwn(reply, 'result')) {
    if (!due.mayFit) return 'a result, where an error is due';
    const { error } = requests.get(due.method ?? '')?.result?.safeParse(reply.result) ?? {};
    return error && `a result that does not fit its schema: ${error.message}`;
  }
  // A host's own error goes to the agent as it came (section 7).
  if (due.method === 'tools.execute' && due.mayFit) return undefined;
  const { code, data } = reply.error as { code: number; data?: unknown };
  if (code === ErrorCode.InvalidParams && !namesFields(data)) return '-32602 that names no field';
  return due.codes.has(code) ? undefined : `the code ${code}, where ${[...due.codes].join(' or ')} is due`;
}

/** Why a message of the daemon's is none, if so: the envelope, and what is in it. Replies are judged by what they answer. */
export function breachOfMessage(message: unknown): string | undefined {
  if (!isObject(message) || message.jsonrpc !== '2.0') return 'no JSON-RPC message';
  if (!Object.hasOwn(message, 'method')) return breachOfEnvelope(message);
  const specs = outgoing.get(String(message.method));
  if (!specs) return 'a method that is not in the table';
  const isRequest = Object.hasOwn(message, 'id');
  // What is passed on keeps its nulls, and whoever receives it reads them as absent.
  const fitting = specs.some(
    ({ kind, params }) =>
      (kind === 'request') === isRequest && params.safeParse(readAbsent(params, message.params)).success,
  );
  return fitting ? undefined : 'params that do not fit their schema';
}

function breachOfEnvelope({ id, error, ...rest }: Record<string, unknown>): string | undefined {
  if (typeof id !== 'string' && typeof id !== 'number' && typeof id !== 'bigint' && id !== null)
    return 'a reply without an id';
  if (Object.hasOwn(rest, 'result') === (error !== undefined)) return 'neither a result nor an error, or both';
  if (error === undefined) return undefined;
  if (!isObject(error) || !Number.isInteger(error.code) || typeof error.message !== 'string') return 'no error object';
  return undefined;
}

function namesFields(data: unknown): boolean {
  const { issues } = (data ?? {}) as { issues?: unknown };
  const named = (issue: unknown) =>
    isObject(issue) && typeof issue.path === 'string' && typeof issue.message === 'string';
  return Array.isArray(issues) && issues.length > 0 && issues.every(named);
}
