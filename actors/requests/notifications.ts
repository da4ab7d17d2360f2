import type { WireError } from '../../protocol/errors.ts';
import { notifications } from '../../protocol/methods.ts';
import { parseParams } from '../../protocol/params.ts';
import type { ProgressParams } from '../../protocol/tools.ts';
import type { Client } from '../connection/client.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { tell } from '../kernel/tell.ts';
import { cancelCallback } from '../tools/callback.ts';

type Handle = (state: BrokerState, from: Client, params: never) => void;

/** A host's tool is still at work. Only the host that was asked is heard: the call is looked up among its own. */
const progress = (state: BrokerState, from: Client, params: ProgressParams): void => {
  const callback = from.calls.get(params.request_id)?.callback;
  if (callback?.ref) tell(state.ref, callback.ref, { type: 'callback.progress', params });
  else state.counters.drop('late_progress');
};

/** An agent withdraws its own request; one that is over already is no error. */
const withdraw = (state: BrokerState, from: Client, { id }: { id: string | number }): void => {
  const callback = from.toolRequests.get(id);
  if (callback) cancelCallback(state, callback, 'agent_withdrew');
  else state.counters.drop('late_withdrawal');
};

const handlers = new Map<string, Handle>([
  ['tools.progress', progress],
  ['tools.cancel', withdraw],
]);

/** Carries out the notifications that are no events of a turn. Never throws; a bad one is counted and logged. */
export function handleNotification(state: BrokerState, from: Client, method: string, params: unknown): void {
  const handle = handlers.get(method);
  const spec = notifications.get(method);
  if (!handle || !spec) {
    state.counters.drop('unknown_notification');
    state.log.debug({ client: from.id, method: method.slice(0, 128) }, 'dropped an unknown notification');
    return;
  }
  try {
    // Checked, and then passed on as it came: a parsed copy would lose a key named `__proto__`.
    parseParams(spec.params, params);
    handle(state, from, params as never);
  } catch (error) {
    state.counters.drop('failed_notification');
    state.log.debug({ client: from.id, method, code: (error as WireError).code }, 'a notification failed');
  }
}
