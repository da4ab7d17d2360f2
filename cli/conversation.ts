import { randomUUID } from 'node:crypto';
import type { SwitchboardError } from '../client/node.ts';
import { CliError, Exit } from './exit.ts';
import { explain } from './explain.ts';
import { type Io, tell } from './io.ts';
import { Left, noAgent, runTurn, type TurnInput } from './turn.ts';

/**
 * Prompt after prompt in one session, until `/quit`, Ctrl-D, or Ctrl-C with nothing to cancel. A turn that fails
 * is told and does not end it.
 */
export async function converse(io: Io, input: Omit<TurnInput, 'prompt'>): Promise<void> {
  const { host, agentId, options, lines } = input;
  const agents = await host.agents.list();
  if (!agents.some((row) => row.attached && row.spec.id === agentId)) throw await noAgent(host, agentId);
  tell(io, `talking with ${agentId}; Ctrl-C cancels an answer, /quit or Ctrl-D leaves`);

  let lost: SwitchboardError | undefined;
  const over = new AbortController();
  host.closed.then((error) => {
    lost = error;
    over.abort();
  });
  const session = options.session_id ?? `chat-${randomUUID()}`;
  while (!lost && !input.output.broken.aborted) {
    const line = await lines.ask('> ', over.signal);
    if (lost) break;
    // The shell's own prompt must not end up behind ours.
    if (typeof line === 'string') tell(io, '');
    if (line === 'interrupted') throw new Left();
    if (line === 'end' || line.text.trim() === '/quit') return;
    if (line.text.trim() === '') continue;
    try {
      await runTurn(io, {
        ...input,
        prompt: line.text,
        options: { conversation_id: session, ...options, session_id: session },
      });
    } catch (error) {
      if (error instanceof Left || lost) throw error;
      tell(io, explain(error).message);
    }
  }
  if (lost) throw new CliError(Exit.Failed, explain(lost).message);
}
