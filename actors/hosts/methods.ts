import type { ApprovalRow } from '../../protocol/approvals.ts';
import { WireError } from '../../protocol/errors.ts';
import { HOST_EVENT_KINDS, type HostAgent } from '../../protocol/host.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { APPROVALS } from '../approvals/approvals.ts';
import { forOwner } from '../kernel/audience.ts';
import type { Client } from '../kernel/client.ts';
import { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { atMost, Fitting, jsonArray } from '../requests/fitting.ts';
import { checkSize } from '../requests/payload-size.ts';
import { reply } from '../requests/reply.ts';
import { replyRows } from '../requests/reply-rows.ts';
import { agentsOfAll, approvalsOfAll, rowsOf } from '../requests/rows-of-all.ts';
import { HOST_AGENTS, toListed } from './host-agents.ts';

/** `host.subscribe`: registered before the snapshot is read, so nothing falls between them (`wire.md` section 4). */
const subscribe: Handler<'host.subscribe'> = ({ kernel, from, id, others }) => {
  if (!from.hasHandshaken) throw WireError.handshakeRequired();
  kernel.events.subscribe(from);
  const fitting = new Fitting();
  const rows = others ? withOthers(kernel, from, others) : ownRows(kernel, from);
  // In the order in which there is room for them: what waits for somebody's word first.
  const pending = fitting.first(rows.pending).reverse();
  const agents = fitting.newestOf(rows.agents, toListed);
  const [events = [], resolved = []] = fitting.newest(kernel.events.newestFirst(from), rows.resolved);
  const rest = writeJson({
    event_sequence: kernel.events.sequenceFor(from),
    events_epoch: kernel.epoch,
    identity: { version: kernel.version, pid: process.pid },
  });
  const members = [
    '"subscribed":true,"devices":[]',
    `"agents":${jsonArray(agents)}`,
    `"approvals":${jsonArray([...resolved, ...pending])}`,
    `"events":${jsonArray(events)}`,
    rest.slice(1, -1),
  ];
  reply(kernel, from, id, { result: new JsonText(`{${members.join(',')}${fitting.mark}}`) });
  return LATER;
};

/** Approvals the newest first, made one by one. */
function ownRows(kernel: Kernel, from: Client) {
  const approvals = kernel.get(APPROVALS);
  return {
    pending: approvals.pendingFor(from) as Iterable<ApprovalRow>,
    resolved: approvals.resolvedFor(from) as Iterator<ApprovalRow>,
    agents: kernel.get(HOST_AGENTS).list(from),
  };
}

/** The same of all brokers. */
function withOthers(
  kernel: Kernel,
  from: Client,
  others: Readonly<Record<string, readonly unknown[]>>,
): ReturnType<typeof ownRows> {
  const own = kernel.get(APPROVALS);
  const theirs = (others['host.approvals'] ?? []).flatMap((answer) => rowsOf<ApprovalRow>(answer, 'approvals'));
  const { pending, resolved } = approvalsOfAll([...own.pendingFor(from), ...own.resolvedFor(from), ...theirs]);
  const agents = (others['host.agents'] ?? []).flatMap((answer) => rowsOf<HostAgent>(answer));
  return {
    pending,
    resolved: resolved.values(),
    agents: agentsOfAll([...kernel.get(HOST_AGENTS).list(from), ...agents]),
  };
}

/** `host.agents` (`wire.md` section 4). */
const listHostAgents: Handler<'host.agents'> = (call) =>
  replyRows(call, call.kernel.get(HOST_AGENTS).list(call.from), { toHead: toListed });

/** `host.events` (`wire.md` section 4). */
const listEvents: Handler<'host.events'> = ({ kernel, from, id, params }) => {
  const fitting = new Fitting();
  const [events = []] = fitting.newest(atMost(params.limit, kernel.events.newestFirst(from, params.before)));
  reply(kernel, from, id, { result: new JsonText(`{"events":${jsonArray(events)}${fitting.mark}}`) });
  return LATER;
};

/** `host.register_agent` (`wire.md` section 4). */
const registerAgent: Handler<'host.register_agent'> = ({ kernel, from, params }) => {
  const bytes = checkSize(kernel, [params.display, params.metadata]);
  return kernel.get(HOST_AGENTS).register(from, params, bytes);
};

/** `host.unregister_agent` (`wire.md` section 4). */
const unregisterAgent: Handler<'host.unregister_agent'> = ({ kernel, from, params }) => {
  kernel.get(HOST_AGENTS).unregister(from, params.agent_id);
  return { ok: true };
};

/** `host.set_status` (`wire.md` section 4). */
const setStatus: Handler<'host.set_status'> = ({ kernel, from, params }) => {
  const bytes = checkSize(kernel, params.payload);
  return kernel.get(HOST_AGENTS).setStatus(from, params, bytes);
};

const RESERVED: ReadonlySet<string> = new Set(HOST_EVENT_KINDS.filter((kind) => kind !== 'host.notification'));

/** `host.notify` (`wire.md` section 4). An agent speaks in its own name, whatever it writes. */
const notify: Handler<'host.notify'> = ({ kernel, from, params }) => {
  const { kind, message, payload } = params;
  if (RESERVED.has(kind)) {
    throw WireError.invalidParams([{ path: 'kind', message: 'is one that only the broker emits' }]);
  }
  const bytes = checkSize(kernel, payload);
  const agentId = from.agentId ?? params.agent_id;
  const audience = forOwner(from.principal, agentId);
  const emitted = kernel.events.emit({ tenant: from.tenant, kind, agentId, message, payload, bytes, audience });
  return kernel.events.justEmitted(emitted, from);
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
