import type { z } from 'zod';
import type { MethodSpec, MethodTable } from './method.ts';
import { chatMethods } from './methods-chat.ts';
import { consoleMethods } from './methods-console.ts';
import { goalMethods } from './methods-goals.ts';
import { hostMethods } from './methods-host.ts';
import { keyMethods } from './methods-keys.ts';
import { meetingMethods } from './methods-meetings.ts';
import { memoryMethods } from './methods-memory.ts';
import { sessionMethods } from './methods-session.ts';
import { surfaceMethods } from './methods-surfaces.ts';
import { toolMethods } from './methods-tools.ts';
import { voiceMethods } from './methods-voice.ts';
import type { TraceContext } from './trace.ts';

/** Every message that the broker understands or sends. What is not here answers `-32601`. */
export const methods = {
  ...sessionMethods,
  ...keyMethods,
  ...chatMethods,
  ...goalMethods,
  ...toolMethods,
  ...hostMethods,
  ...consoleMethods,
  ...voiceMethods,
  ...meetingMethods,
  ...memoryMethods,
  ...surfaceMethods,
} as const satisfies MethodTable;

type Methods = typeof methods;
type WithResult = { [K in keyof Methods]: Methods[K] extends { result: z.ZodType } ? K : never }[keyof Methods];

/** Requests that a client may send. */
export type RequestMethod = { [K in WithResult]: Methods[K]['direction'] extends 'in' ? K : never }[WithResult];
/** A method's parameters as the broker sees them, defaults filled in. */
export type ParamsOf<K extends keyof Methods> = z.output<Methods[K]['params']>;
/** A method's parameters as a client writes them. */
export type InputOf<K extends keyof Methods> = z.input<Methods[K]['params']>;
/** The same of a request, with what every one of them may say besides: the trace that it belongs to. */
export type RequestOf<K extends RequestMethod> =
  InputOf<K> extends readonly unknown[] ? InputOf<K> : InputOf<K> & { _meta?: TraceContext | undefined };
/** A request's result. */
export type ResultOf<K extends WithResult> = z.output<Methods[K]['result']>;

/** The requests that a client may send, by name. A Map, so that a name like `__proto__` is just unknown. */
export const requests: ReadonlyMap<string, MethodSpec> = new Map(
  Object.entries<MethodSpec>(methods).filter(([, spec]) => spec.direction === 'in' && spec.kind === 'request'),
);

/** The notifications that a client may send, by name. */
export const notifications: ReadonlyMap<string, MethodSpec> = new Map(
  Object.entries<MethodSpec>(methods).filter(([, spec]) => spec.direction === 'in' && spec.kind === 'notification'),
);

const ownNames: ReadonlySet<string> = new Set(Object.entries<MethodSpec>(methods).map(([key, { name = key }]) => name));

/** Whether a name on the wire is taken: by a message of this protocol, or by JSON-RPC, which keeps `rpc.` to itself. */
export function isOwnMethod(name: string): boolean {
  return ownNames.has(name) || name.startsWith('rpc.');
}
