import type { Chat, ChatEvent } from '../../client/node.ts';

/** A turn's events without what the broker stamps on them; tokens joined. @param decide answers what is asked */
export async function read(
  chat: Chat,
  decide: (event: ChatEvent & { kind: 'approval_pending' }) => Promise<unknown> = async () => {},
) {
  const events: Record<string, unknown>[] = [];
  let text = '';
  for await (const event of chat) {
    if (event.kind === 'token') text += event.delta;
    else {
      const {
        session_id: _s,
        turn_id: _t,
        agent_id: _a,
        seq: _n,
        ...fields
      } = event as ChatEvent & Record<string, unknown>;
      events.push(fields);
    }
    if (event.kind === 'approval_pending') await decide(event);
  }
  return { text, events };
}
