import type { ChatEvent } from '../../client/browser.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { gateSubject } from '../approvals/subject.ts';

/** What is read out of an event that a person is to decide on; of any other nothing. */
export function askingOf(event: ChatEvent, agentId: string): string | undefined {
  if (event.kind === 'gate_pending') {
    return `${agentId} needs your approval: ${gateSubject(event.action, event.details).title}.`;
  }
  if (event.kind !== 'approval_pending') return undefined;
  return `${agentId} asks for approval: ${visibleLine(event.action ?? event.tool ?? '')}.`;
}
