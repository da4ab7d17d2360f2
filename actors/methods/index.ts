import type { Handlers } from '../dispatcher.ts';
import { listAgents, removeAgent, upsertAgent } from './agents.ts';
import { approveChat, listApprovals, requestApproval, resolveApproval } from './approvals.ts';
import { cancel, chat, listSessions } from './chat.ts';
import { handshake } from './handshake.ts';
import { listEvents, listHostAgents, notify, registerAgent, setStatus, subscribe, unregisterAgent } from './host.ts';
import { inspectSubscribe, inspectUnsubscribe } from './inspect.ts';
import { brokerStatus } from './status.ts';
import { subscribeChat } from './subscribe.ts';
import { executeTool, initSession, listTools, registerTools, unregisterTool } from './tools.ts';

/** Who carries out which built-in method. `session.auth` is the connection's own. */
export const handlers: Handlers = {
  'server.handshake': handshake,
  'session.init': initSession,
  'tools.register': registerTools,
  'tools.unregister': unregisterTool,
  'tools.list': listTools,
  'tools.execute': executeTool,
  'agents.upsert': upsertAgent,
  'agents.remove': removeAgent,
  'agents.list': listAgents,
  'agents.chat': chat,
  'agents.chat.cancel': cancel,
  'agents.chat.approve': approveChat,
  'agents.chat.sessions': listSessions,
  'agents.chat.subscribe': subscribeChat,
  'host.subscribe': subscribe,
  'host.agents': listHostAgents,
  'host.approvals': listApprovals,
  'host.events': listEvents,
  'host.register_agent': registerAgent,
  'host.unregister_agent': unregisterAgent,
  'host.set_status': setStatus,
  'host.notify': notify,
  'host.request_approval': requestApproval,
  'host.resolve_approval': resolveApproval,
  'broker.status': brokerStatus,
  'inspect.subscribe': inspectSubscribe,
  'inspect.unsubscribe': inspectUnsubscribe,
};
