import type { Chat, Host } from '../../client/node.ts';
import type { ToolDefinition } from '../../protocol/tools.ts';
import type { AskedCalls } from './asked-calls.ts';
import { FrontError, frontErrorOf } from './errors.ts';
import type { TurnSpec } from './turn-spec.ts';

/** The turn itself: a new one, or one that was left. */
export function begin(
  host: Host,
  { from, agentId, prompt, sessionId, context, attachments, onBusy, resumeWindowMs }: TurnSpec,
): Chat {
  if (from) return host.resume(from, { fromStart: true });
  return host.chat(agentId, prompt, { sessionId, context, attachments, onBusy, resumeWindowMs });
}

/** Offers a tool of the client's to the agent. @throws {FrontError} 400 */
export async function offer(host: Host, tool: ToolDefinition, calls: AskedCalls, isAsked: () => void): Promise<void> {
  const { name, description, parameters } = tool;
  try {
    await host.tool(name, { description, parameters }, (args, call) => {
      const answer = calls.add(call, name, args);
      isAsked();
      return answer;
    });
  } catch (error) {
    const known = error instanceof TypeError ? FrontError.badRequest(error.message, 'tools') : frontErrorOf(error);
    // Whatever it is, sending the same tools again will not help.
    if (known?.status === 429 || known?.status === 400) throw FrontError.badRequest(known.message, 'tools');
    throw error;
  }
}
