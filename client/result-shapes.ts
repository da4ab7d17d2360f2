import type { RequestMethod } from '../protocol/methods.ts';
import type { ErrorObject, Issue } from '../protocol/wire-error.ts';
import { ProtocolError } from './errors.ts';
import { type Kind, misfits, type Shape } from './shape.ts';

/** What the SDK itself reads of the broker's answers. The rest, and answers to other methods, go on as they come. */
const SHAPES: { readonly [K in RequestMethod]?: Shape<Record<string, unknown>> | Kind } = {
  'session.auth': {},
  'agents.chat': { session_id: 'string', turn_id: 'string', resume_token: 'string?', pending_approvals: 'rows?' },
  'agents.chat.subscribe': {
    session_id: 'string',
    turn_id: 'string',
    agent_id: 'string',
    status: 'string',
    head: 'number',
    recovered: 'boolean',
    text: 'string?',
    pending_approvals: 'rows',
  },
  'agents.chat.approve': { resolved: 'boolean' },
  'agents.chat.sessions': { sessions: 'rows' },
  'tools.list': { tools: 'rows' },
  'host.subscribe': { approvals: 'rows', events: 'rows', event_sequence: 'number', identity: 'object' },
  'host.approvals': { approvals: 'rows' },
  'host.events': { events: 'rows' },
  'voice.transcribe_stream.start': { provider: 'string' },
  'voice.tts_stream.start': { provider: 'string' },
  'voice.tts_stream.cancel': { cancelled: 'boolean' },
  'meeting.start': { provider: 'string' },
  'meeting.list': { meetings: 'rows' },
  'memory.query': { facts: 'rows' },
  'memory.delete': { removed: 'boolean' },
  'a2ui.surfaces': 'rows',
  'a2ui.get': 'object?',
  'a2ui/replay': 'object?',
  'a2ui.ingest': { applied: 'rows' },
};

const ERROR: Shape<ErrorObject> = { code: 'number', message: 'string' };

/** What is wrong with an answer of the broker's, if anything that matters here is. */
export function malformed(method: string, result: unknown, error: unknown): ProtocolError | undefined {
  const shape = Object.hasOwn(SHAPES, method) ? SHAPES[method as RequestMethod] : undefined;
  const issues = error === undefined ? misfitsOf(result, shape) : misfits(error, ERROR);
  return issues.length > 0 ? new ProtocolError(`the broker's answer to ${method}`, issues) : undefined;
}

function misfitsOf(result: unknown, shape: Shape<Record<string, unknown>> | Kind | undefined): Issue[] {
  if (shape === undefined) return [];
  return typeof shape === 'string' ? misfits({ result }, { result: shape }) : misfits(result, shape);
}
