import type { ActionRoute } from '../../protocol/surfaces.ts';
import { words } from '../format.ts';

/** What came of an action, in one line. */
export function outcome(name: string, route: ActionRoute): string {
  const { status, state, text, reason, message, applied = [] } = route;
  if (status === 'none') return `${name}: told to whoever subscribes; this surface has no A2A agent.`;
  const said = text ? ` It says: ${text}` : '';
  if (status === 'failed') {
    return `${name}: its A2A agent did not take it (${words(reason ?? 'internal')}). ${message ?? ''}${said}`.trim();
  }
  const task = state === undefined ? '' : `, task ${words(state.replace(/^TASK_STATE_/, '').toLowerCase())}`;
  const changed = applied.length > 0 ? ` Changed: ${applied.join(', ')}.` : '';
  const refused = reason === 'envelopes' ? ` The envelopes in its answer were refused. ${message ?? ''}`.trimEnd() : '';
  return `${name}: sent to its A2A agent${task}.${changed}${refused}${said}`;
}
