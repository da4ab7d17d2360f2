import { approveChat, listApprovals, requestApproval, resolveApproval } from './approvals/methods.ts';
import { handshake } from './connection/handshake.ts';
import { listAgents, removeAgent, upsertAgent } from './hosts/agent-methods.ts';
import {
  listEvents,
  listHostAgents,
  notify,
  registerAgent,
  setStatus,
  subscribe,
  unregisterAgent,
} from './hosts/methods.ts';
import { brokerStatus } from './hosts/status.ts';
import { inspectSubscribe, inspectUnsubscribe } from './inspect/methods.ts';
import { getMeeting, listMeetings, startMeetingOf, stopMeeting } from './meetings/methods.ts';
import { addFact, countFacts, deleteFact, queryFacts } from './memory/methods.ts';
import type { Handlers } from './requests/dispatcher.ts';
import {
  act,
  applyEnvelope,
  describeSurfaces,
  getSurface,
  ingestEnvelopes,
  listSurfaces,
  reap,
  replaySurface,
  subscribeSurfaces,
  unsubscribeSurfaces,
} from './surfaces/methods.ts';
import { executeTool, initSession, listTools, registerTools, unregisterTool } from './tools/methods.ts';
import { cancel, chat, listSessions } from './turns/methods.ts';
import { subscribeChat, unsubscribeChat } from './turns/resume/methods.ts';
import {
  cancelSpeech,
  listProviders,
  listSpeech,
  listTranscriptions,
  pushTranscription,
  startSpeech,
  startTranscription,
  stopTranscription,
} from './voice/methods.ts';

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
  'agents.chat.unsubscribe': unsubscribeChat,
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
  'voice.transcribe_stream.start': startTranscription,
  'voice.transcribe_stream.push': pushTranscription,
  'voice.transcribe_stream.stop': stopTranscription,
  'voice.sessions.list': listTranscriptions,
  'voice.providers.list': listProviders,
  'voice.tts_stream.start': startSpeech,
  'voice.tts_stream.cancel': cancelSpeech,
  'voice.tts_stream.list': listSpeech,
  'meeting.start': startMeetingOf,
  'meeting.stop': stopMeeting,
  'meeting.list': listMeetings,
  'meeting.get': getMeeting,
  'memory.add_fact': addFact,
  'memory.query': queryFacts,
  'memory.delete': deleteFact,
  'memory.fact_count': countFacts,
  'a2ui.capabilities': describeSurfaces,
  'a2ui.apply': applyEnvelope,
  'a2ui.ingest': ingestEnvelopes,
  'a2ui.surfaces': listSurfaces,
  'a2ui.get': getSurface,
  'a2ui.reap': reap,
  'a2ui.action': act,
  'a2ui/subscribe': subscribeSurfaces,
  'a2ui/unsubscribe': unsubscribeSurfaces,
  'a2ui/replay': replaySurface,
};
