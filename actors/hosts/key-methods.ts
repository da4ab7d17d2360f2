import type { RequestMethod } from '../../protocol/methods.ts';
import { Sealed } from '../../protocol/sealed.ts';
import { traceId } from '../../protocol/trace.ts';
import type { Made } from '../connection/key-changes.ts';
import { KEYS, keyId } from '../connection/key-ring.ts';
import type { Call, Handler, Handlers, LATER } from '../requests/dispatcher.ts';
import { checkPending, onceKept } from '../requests/once-kept.ts';
import { replyRows } from '../requests/reply-rows.ts';
import { addKey, listKeys, removeKey, rotateKey } from './manage-keys.ts';

/** `keys.add` (`docs/protocol.md#keys`). */
const add: Handler<'keys.add'> = (call) => {
  checkPending(call);
  return made(
    call,
    'keys.add',
    tried(call, 'keys.add', () => addKey(call.kernel, call.from, call.params)),
  );
};

/** `keys.rotate`: who came by the old token goes when its time is over, though not before it has heard of the new one. */
const rotate: Handler<'keys.rotate'> = (call) => {
  checkPending(call);
  return made(
    call,
    'keys.rotate',
    tried(call, 'keys.rotate', () => rotateKey(call.kernel, call.from, call.params)),
  );
};

/** `keys.remove`: its connections close, and their turns end. */
const remove: Handler<'keys.remove'> = (call) => {
  checkPending(call);
  const change = () => removeKey(call.kernel, call.from, call.params);
  const { removed, kept, note } = tried(call, 'keys.remove', change);
  return onceKept(call, 'keys.remove', call.kernel.get(KEYS).kept, note, () => ({ result: { removed } }), kept);
};

/** `keys.list`. */
const list: Handler<'keys.list'> = (call) => replyRows(call, listKeys(call.kernel, call.from, call.params));

/** A change to a key, of which the audit says so where its store throws at once. */
function tried<T>(
  { kernel, from, trace, params: { tenant = from.tenant, name } }: Call<{ tenant?: string | undefined; name: string }>,
  method: RequestMethod,
  change: () => T,
): T {
  return kernel.audit.tried(from, method, { on: keyId(tenant, name), data: {}, trace: traceId(trace) }, change);
}

/** The secret is its receiver's alone, whoever inspects the answer. */
function made(call: Call<unknown>, method: RequestMethod, { row, token, kept, note }: Made): typeof LATER {
  const answer = { result: { key: row }, sealed: new Sealed({ token }) };
  return onceKept(call, method, call.kernel.get(KEYS).kept, note, () => answer, kept);
}

/** What the keys answer. */
export const keyMethods: Handlers = {
  'keys.add': add,
  'keys.list': list,
  'keys.remove': remove,
  'keys.rotate': rotate,
};
