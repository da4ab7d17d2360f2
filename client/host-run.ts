import { approvalOutcome } from './approval-outcome.ts';
import { type Connection, openConnection } from './connection.ts';
import { tapped } from './frame-tap.ts';
import type { Host, HostOptions } from './host.ts';
import { HostEvents } from './host-events.ts';
import { HostTools } from './host-tools.ts';
import { quietly } from './quietly.ts';
import { requestFunction } from './request.ts';
import type { SocketFactory } from './socket.ts';

/**
 * Connects a host over a given kind of socket; the entries for Node and browsers fill that in.
 * @throws {ConnectionError} not reachable. @throws {AuthError} wrong token.
 */
export async function openHost(open: SocketFactory, options: HostOptions): Promise<Host> {
  const { url, token = '', hostToken, connectTimeoutMs, onToolError, onFrame, onNotification } = options;
  const tools = new HostTools(onToolError);
  const events = new HostEvents();
  const connection = await openConnection({
    open: tapped(open, onFrame),
    url,
    auth: hostToken === undefined ? { token } : { host_token: hostToken },
    connectTimeoutMs,
    request: (method, params, reply, peer) => {
      if (method !== 'tools.execute') return false;
      tools.execute(params, reply, peer);
      return true;
    },
    notification: (method, params, size) => {
      if (method === 'host.event') events.event(params, size);
      else if (method === 'tools.cancel') tools.cancel(params);
      else quietly(() => onNotification?.(method, params));
    },
    ended: (error) => {
      tools.lost();
      events.ended(error);
    },
  });
  return hostOn(connection, tools, events);
}

function hostOn({ peer, chats, identity, ended }: Connection, tools: HostTools, events: HostEvents): Host {
  const request = requestFunction(() => peer);
  const subscribe: Host['subscribe'] = (options) => events.subscribe(peer, options);
  return {
    role: identity.role,
    closed: ended,
    chat: (agentId, prompt, options) => chats.open(peer, agentId, prompt, options),
    agents: {
      list: () => request('agents.list', {}),
      upsert: (agent) => request('agents.upsert', agent),
      remove: (id) => request('agents.remove', { id }),
    },
    sessions: async () => (await request('agents.chat.sessions', {})).sessions,
    tool: (name, options, handler) => tools.register(request, name, options, handler),
    tools: async () => (await request('tools.list', {})).tools,
    approvals: async () => (await request('host.approvals', {})).approvals,
    requestApproval: (approval) => request('host.request_approval', approval),
    resolveApproval: (id, resolution) => request('host.resolve_approval', { approval_id: id, resolution }),
    approvalOutcome: (id, { signal } = {}) => approvalOutcome(subscribe, id, signal),
    subscribe,
    events: async (limit) => (await request('host.events', { limit })).events,
    notify: (event) => request('host.notify', event),
    hostAgents: () => request('host.agents', {}),
    registerAgent: (agent) => request('host.register_agent', agent),
    unregisterAgent: async (id) => {
      await request('host.unregister_agent', { agent_id: id });
    },
    setStatus: (status) => request('host.set_status', status),
    request,
    close: () => peer.close(),
  };
}
