import { WireError } from '../../protocol/errors.ts';
import { HOST_EVENT_KINDS } from '../../protocol/host.ts';
import { APPROVALS } from '../approvals/approvals.ts';
import type { Handler, Handlers } from '../requests/dispatcher.ts';
import { checkSize } from '../requests/payload-size.ts';
import { HOST_AGENTS } from './host-agents.ts';

/** `host.subscribe`: registered before the snapshot is read, so nothing falls between them (`wire.md` section 4). */
const subscribe: Handler<'host.subscribe'> = ({ state, from }) => {
  if (!from.hasHandshaken) throw WireError.handshakeRequired();
  state.events.subscribe(from);
  return {
    subscribed: true,
    agents: state.get(HOST_AGENTS).list(),
    devices: [],
    approvals: state.get(APPROVALS).rowsFor(from),
    events: state.events.newest(state.limits.keptEvents, from),
    event_sequence: state.events.sequence,
    identity: { version: state.version, pid: process.pid },
  };
};

/** `host.agents` (`wire.md` section 4). */
const listHostAgents: Handler<'host.agents'> = ({ state }) => state.get(HOST_AGENTS).list();

/** `host.events` (`wire.md` section 4). */
const listEvents: Handler<'host.events'> = ({ state, from, params }) => ({
  events: state.events.newest(params.limit, from),
});

/** `host.register_agent` (`wire.md` section 4). */
const registerAgent: Handler<'host.register_agent'> = ({ state, from, params }) => {
  const bytes = checkSize(state, [params.display, params.metadata]);
  return state.get(HOST_AGENTS).register(from, params, bytes);
};

/** `host.unregister_agent` (`wire.md` section 4). */
const unregisterAgent: Handler<'host.unregister_agent'> = ({ state, from, params }) => {
  state.get(HOST_AGENTS).unregister(from, params.agent_id);
  return { ok: true };
};

/** `host.set_status` (`wire.md` section 4). */
const setStatus: Handler<'host.set_status'> = ({ state, from, params }) => {
  const bytes = checkSize(state, params.payload);
  return state.get(HOST_AGENTS).setStatus(from, params, bytes);
};

const RESERVED: ReadonlySet<string> = new Set(HOST_EVENT_KINDS.filter((kind) => kind !== 'host.notification'));

/** `host.notify` (`wire.md` section 4). An agent speaks in its own name, whatever it writes. */
const notify: Handler<'host.notify'> = ({ state, from, params }) => {
  const { kind, message, payload } = params;
  if (RESERVED.has(kind)) {
    throw WireError.invalidParams([{ path: 'kind', message: 'is one that only the broker emits' }]);
  }
  const bytes = checkSize(state, payload);
  return state.events.emit({ kind, agentId: from.agentId ?? params.agent_id, message, payload, bytes });
};

/** What the registry of hosts answers. */
export const hostMethods: Handlers = {
  'host.subscribe': subscribe,
  'host.agents': listHostAgents,
  'host.events': listEvents,
  'host.register_agent': registerAgent,
  'host.unregister_agent': unregisterAgent,
  'host.set_status': setStatus,
  'host.notify': notify,
};
