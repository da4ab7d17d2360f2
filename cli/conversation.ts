import { randomUUID } from 'node:crypto';
import { CliError, Exit } from './exit.ts';
import { explain } from './explain.ts';
import type { IdleConnection } from './idle-connection.ts';
import { type Io, tell } from './io.ts';
import { Left, noAgent, runTurn, type TurnInput } from './turn.ts';

/** What a conversation is made of. */
export interface ConversationInput extends Omit<TurnInput, 'prompt'> {
  /** The connection, while nobody answers. */
  idle: IdleConnection;
}

/**
 * Prompt after prompt in one session, until `/quit`, Ctrl-D, or Ctrl-C with nothing to cancel. A turn that fails
 * is told and does not end it.
 */
export async function converse(io: Io, input: ConversationInput): Promise<void> {
  const { host, agentId, options, lines, idle } = input;
  const agents = await host.agents.list();
  if (!agents.some((row) => row.attached && row.spec.id === agentId)) throw await noAgent(host, agentId);
  tell(io, `talking with ${agentId}; Ctrl-C cancels an answer, /quit or Ctrl-D leaves`);

  host.closed.then((error) => idle.end(error));
  const session = options.sessionId ?? `chat-${randomUUID()}`;
  while (!idle.lost && !input.output.broken.aborted) {
    const line = await lines.ask('> ', idle.over);
    if (idle.lost) break;
    // The shell's own prompt must not end up behind ours.
    if (typeof line === 'string') tell(io, '');
    if (line === 'interrupted') throw new Left();
    if (line === 'end' || line.text.trim() === '/quit') return;
    if (line.text.trim() === '') continue;
    const words = { conversationId: session, ...options, sessionId: session };
    try {
      await idle.during(() => runTurn(io, { ...input, prompt: line.text, options: words }));
    } catch (error) {
      if (error instanceof Left || idle.lost) throw error;
      tell(io, explain(error, io.env).message);
    }
  }
  if (idle.lost) throw new CliError(Exit.Failed, explain(idle.lost, io.env).message);
}
