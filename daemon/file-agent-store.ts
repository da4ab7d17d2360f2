import { z } from 'zod';
import type { AgentRecord, AgentStore } from '../actors/connection/agent-store.ts';
import { agentSpec } from '../protocol/agents.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { isSystemError, StartError } from './errors.ts';
import { readOwnFile, refuseForeign } from './own-file.ts';

const fileSchema = z.object({
  agents: z
    .array(agentSpec.extend({ token_hash: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits') }))
    .refine((agents) => new Set(agents.map(({ id }) => id)).size === agents.length, 'an id is there twice'),
});

/**
 * Keeps agents in a JSON file, `{agents: AgentRecord[]}`, mode 0600 (`$SWITCHBOARD_HOME/agents.json`, `wire.md`
 * section 3). Every save replaces it as a whole, and is on disk when it returns.
 *
 * `load` throws a StartError for a file that it cannot read or understand, and leaves it as it is: it may be a person's
 * typing error in all the agents they have.
 */
export function fileAgentStore(path: string): AgentStore {
  return {
    load: () => parse(path, read(path)),
    save: (records) => writeFileAtomic(path, `${JSON.stringify({ agents: records }, null, 2)}\n`),
  };
}

function read(path: string): string | undefined {
  try {
    const file = readOwnFile(path);
    refuseForeign(path, file, 'who is in it may sign in: see that all of it is yours');
    return file.text;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'ENOENT') return undefined;
    throw new StartError(`cannot read the agents in ${path}: ${error.code}`);
  }
}

function parse(path: string, text: string | undefined): AgentRecord[] {
  if (text === undefined) return [];
  const malformed = (why: string) => new StartError(`${path} is malformed and was left as it is: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not the parser's own message: it quotes the text, and over several lines.
    throw malformed('not JSON');
  }
  const result = fileSchema.safeParse(value);
  if (result.success) return result.data.agents;
  const issue = result.error.issues[0];
  throw malformed(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`);
}
