import type { RecordedTurnLog } from '../../protocol/recording.ts';
import { openConversation } from '../chat/conversations.ts';
import { leaveDraft } from '../chat/drafts.ts';

/** Opens a chat with the turn's agent, its prompt in the field, to be changed and sent. False: too many are open. */
export function runAgain(log: RecordedTurnLog): boolean {
  const conversation = openConversation(log.turn.agent_id);
  if (!conversation) return false;
  leaveDraft(conversation, promptIn(log));
  return true;
}

/** The prompt of a turn, as much of it as was recorded: the turn's own line has its beginning, its records more. */
export function promptIn({ turn, actors, records }: RecordedTurnLog): string {
  const started = records.flatMap((record) => (record.type === 'started' ? [record.actor] : []));
  let prompt = turn.prompt;
  for (const { machine, context } of [...actors, ...started]) {
    const said = context.prompt;
    if (machine === 'turn' && typeof said === 'string' && said.length > prompt.length) prompt = said;
  }
  return prompt;
}
