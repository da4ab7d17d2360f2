import type { RequestMethod } from '../../../protocol/methods.ts';
import { create, data, remove } from '../../support/surfaces.ts';
import { hexId, SOURCE } from '../../support/voice.ts';

/** What somebody's things are called, by themselves and by whoever else sees them: all that a stranger could have heard. */
export interface Names {
  /** Sessions: live, ended, and by the names that their agent has for them. */
  sessions: string[];
  turns: string[];
  resumeToken: string;
  approvals: string[];
  /** The agent's own id for the one that its turn waits for. */
  chatApproval: string;
  facts: string[];
  meetings: string[];
  streams: string[];
  speeches: string[];
  surfaces: string[];
  /** A tool's call that its host has not answered. */
  callback: string;
  /** The ids by which the provider knows streams. */
  jobs: string[];
  agents: string[];
  row: string;
}

type Attempts = Record<RequestMethod, (names: Names) => readonly unknown[]>;

const nothing = () => [{}];
const TENANTS = ['default', 'acme', 'nowhere'];

/** What a stranger sends: each request of the protocol, with the names of somebody else's things wherever it takes one. */
export const attempts: Attempts = {
  'session.auth': () => [{ token: 'alice@acme' }],
  'session.refresh': () => [{ jwt: 'e30.e30.e30' }],
  'server.handshake': () => [{ protocol_version: 3 }],
  'session.init': nothing,
  'tools.register': () => [[{ name: 'plain' }]],
  'tools.unregister': () => [{ name: 'guarded' }],
  'tools.list': nothing,
  'tools.execute': ({ sessions }) => sessions.map((session_id) => ({ session_id, tool: 'guarded' })),
  'goal.set': ({ sessions }) => sessions.map((session_id) => ({ session_id, check: 'mine' })),
  'goal.status': ({ sessions }) => [{}, ...sessions.map((session_id) => ({ session_id }))],
  'goal.clear': ({ sessions }) => [...sessions.map((session_id) => ({ session_id })), {}],
  'agent.resume': ({ sessions, turns }) => [
    { turns: [] },
    ...sessions.flatMap((session_id) => turns.map((turn_id) => ({ turns: [{ turn_id, session_id }] }))),
  ],
  'agents.list': nothing,
  'agents.upsert': ({ row }) => [{ id: row }],
  'agents.remove': ({ row, agents }) => [{ id: row }, ...agents.slice(1).map((id) => ({ id }))],
  'keys.list': () => [{}, ...TENANTS.map((tenant) => ({ tenant }))],
  'keys.add': ({ row }) => [{ name: row }, ...TENANTS.map((tenant) => ({ tenant, name: row, sub: 'alice' }))],
  'keys.rotate': ({ row }) => [{ name: row }, ...TENANTS.map((tenant) => ({ tenant, name: row }))],
  'keys.remove': ({ row }) => [{ name: row }, ...TENANTS.map((tenant) => ({ tenant, name: row }))],
  'host.subscribe': nothing,
  'host.agents': nothing,
  'host.approvals': nothing,
  'host.events': () => [{}, { before: 100 }],
  'host.register_agent': ({ row }) => [{ id: row, name: 'mine', kind: 'k' }],
  'host.set_status': ({ row, agents }) =>
    [row, ...agents.slice(1)].map((agent_id) => ({ agent_id, status: 'errored' as const })),
  'host.unregister_agent': ({ row, agents }) => [row, ...agents.slice(1)].map((agent_id) => ({ agent_id })),
  'host.notify': ({ row }) => [{ agent_id: row, message: 'hello' }],
  'host.request_approval': ({ row }) => [{ agent_id: row, action: 'mine' }],
  'host.resolve_approval': ({ approvals }) =>
    approvals.flatMap((approval_id) => [
      { approval_id, resolution: 'approve' },
      { approval_id, resolution: 'deny' },
    ]),
  'agents.chat.sessions': nothing,
  'agents.chat.subscribe': ({ sessions, turns, resumeToken: resume_token }) =>
    sessions.flatMap((session_id) => [
      { session_id },
      { session_id, resume_token },
      { session_id, role: 'observer', resume_token },
      ...turns.map((turn_id) => ({ session_id, turn_id, resume_token, after: 1 })),
    ]),
  'agents.chat.unsubscribe': ({ sessions }) => sessions.map((session_id) => ({ session_id })),
  'agents.chat.approve': ({ sessions, chatApproval: approval_id }) =>
    sessions.map((session_id) => ({ session_id, approval_id, decision: true })),
  'agents.chat.cancel': ({ sessions }) => sessions.map((session_id) => ({ session_id })),
  // Last of chats: those that it is free to open are then its own.
  'agents.chat': ({ sessions, agents, resumeToken: resume_token }) => [
    ...sessions.flatMap((session_id) =>
      ['reject', 'queue', 'replace'].map((on_busy) => ({ agent_id: agents[0], prompt: 'mine', session_id, on_busy })),
    ),
    { agent_id: agents[0], prompt: 'mine', session_id: sessions[0], resume_token, resume_window_ms: 60_000 },
    { agent_id: agents[1], prompt: 'mine', session_id: 'elsewhere' },
  ],
  'broker.status': nothing,
  'inspect.subscribe': nothing,
  'inspect.unsubscribe': nothing,
  'inspect.turns': nothing,
  'inspect.turn': ({ turns }) => turns.map((turn_id) => ({ turn_id })),
  'voice.sessions.list': nothing,
  'voice.providers.list': nothing,
  'voice.transcribe_stream.push': ({ streams, meetings, jobs }) =>
    [...streams, ...meetings, ...jobs].map((session_id) => ({ session_id, pcm_b64: 'AAAA' })),
  'voice.transcribe_stream.stop': ({ streams, meetings, jobs }) =>
    [...streams, ...meetings, ...jobs].map((session_id) => ({ session_id })),
  'voice.transcribe_stream.start': ({ streams, agents }) => [
    ...streams.map((session_id) => ({ session_id, audio_source: SOURCE })),
    { session_id: hexId(9), audio_source: SOURCE, options: { provider: agents[1] } },
  ],
  'voice.tts_stream.list': nothing,
  'voice.tts_stream.cancel': ({ speeches }) => speeches.map((stream_id) => ({ stream_id })),
  'voice.tts_stream.start': ({ speeches }) => speeches.map((stream_id) => ({ stream_id, text: 'mine' })),
  'meeting.list': nothing,
  'meeting.get': ({ meetings }) => meetings.map((meeting_id) => ({ meeting_id })),
  'meeting.stop': ({ meetings, agents }) =>
    meetings.flatMap((meeting_id) => [{ meeting_id }, { meeting_id, summarizer: agents[0] }]),
  'meeting.start': ({ meetings }) => meetings.map((id) => ({ id, title: 'mine', audio_source: SOURCE })),
  'memory.fact_count': nothing,
  'memory.query': () => [{ query: 'plan' }],
  'memory.delete': ({ facts }) => facts.map((id) => ({ id })),
  'memory.add_fact': () => [{ subject: 'mine', body: 'a plan' }],
  'a2ui.capabilities': nothing,
  'a2ui.surfaces': nothing,
  'a2ui/subscribe': nothing,
  'a2ui.reap': nothing,
  'a2ui.get': ({ surfaces }) => surfaces.map((surfaceId) => ({ surfaceId })),
  'a2ui/replay': ({ surfaces }) => surfaces.map((surfaceId) => ({ surfaceId })),
  'a2ui.action': ({ surfaces }) =>
    surfaces.map((surfaceId) => ({
      name: 'press',
      surfaceId,
      sourceComponentId: 'b',
      timestamp: '2026-01-01T00:00:00Z',
    })),
  'a2ui.ingest': ({ surfaces, sessions }) =>
    surfaces.flatMap((surfaceId) => [
      { payload: data(surfaceId, '/a', 1) },
      ...sessions.map((session_id) => ({ payload: create(surfaceId), session_id })),
    ]),
  'a2ui.apply': ({ surfaces }) =>
    surfaces.flatMap((surfaceId) => [data(surfaceId, '/a', 1), remove(surfaceId), create(surfaceId)]),
  'a2ui/unsubscribe': nothing,
};

/** The same for notifications, which nobody answers. */
export const notices: Record<string, (names: Names) => readonly unknown[]> = {
  'agent.chat.event': ({ sessions, turns }) =>
    sessions.flatMap((session_id) =>
      turns.flatMap((turn_id) => [
        { session_id, turn_id, kind: 'token', delta: 'forged' },
        { session_id, turn_id, kind: 'done', finish_reason: 'stop' },
      ]),
    ),
  'tools.progress': ({ callback }) => [{ request_id: callback, message: 'forged' }],
  'tools.cancel': ({ callback }) => [{ id: callback }, { id: 1 }],
  'voice.event': ({ jobs }) =>
    jobs.flatMap((stream_id) => [
      { stream_id, type: 'final', text: 'forged' },
      { stream_id, type: 'ended' },
    ]),
};
