import type { CheckedEvent, chatEventKinds } from '../protocol/events.ts';
import type { Issue } from '../protocol/wire-error.ts';
import { misfits, type Shape } from './shape.ts';
import { wordOf } from './word-of.ts';

/** The kinds that an agent may send. */
type AgentKind = Exclude<keyof typeof chatEventKinds, 'gate_pending' | 'gate_resolved' | 'agent_away' | 'agent_back'>;

/** What each kind of event needs (`wire.md` section 6): the same as its schema, which a property test holds it to. */
const KINDS: Readonly<Record<AgentKind, Shape<Record<string, unknown>>>> = {
  token: { delta: 'string' },
  tool_call: { tool: 'string', call_id: 'string?', sequence: 'number?' },
  tool_result: { tool: 'string', ok: 'boolean', call_id: 'string?', sequence: 'number?', excerpt: 'string?' },
  approval_pending: { approval_id: 'string', tool: 'string?', action: 'string?' },
  approval_resolved: { approval_id: 'string', resolution: 'string' },
  goal_evaluated: { iteration: 'number', met: 'boolean', grounded: 'boolean', reason: 'string' },
  done: { finish_reason: 'string', text: 'string?' },
  error: { error: 'string', retryable: 'boolean?' },
  auth_required: { reason: 'string', message: 'string' },
};

const ENVELOPE: Shape<CheckedEvent> = { kind: 'string', session_id: 'string', turn_id: 'string?' };

const RESOLUTIONS: readonly unknown[] = ['approve', 'deny', 'timeout'];

/** What an event of a turn lacks. A kind that is not known needs nothing but its envelope. */
export function eventMisfits(event: Record<string, unknown>): Issue[] {
  const issues = misfits(event, ENVELOPE);
  const kind = wordOf(event.kind) as keyof typeof KINDS;
  if (issues.length > 0 || !Object.hasOwn(KINDS, kind)) return issues;
  issues.push(...misfits(event, KINDS[kind]));
  if (kind === 'approval_pending' && event.tool == null && event.action == null)
    issues.push({ path: 'tool', message: 'tool or action is needed' });
  if (kind === 'approval_resolved' && !RESOLUTIONS.includes(event.resolution))
    issues.push({ path: 'resolution', message: 'expected approve, deny or timeout' });
  const code = kind === 'error' ? (event.code ?? '') : '';
  if (!['string', 'number', 'bigint'].includes(typeof code))
    issues.push({ path: 'code', message: 'expected string or number' });
  return issues;
}
