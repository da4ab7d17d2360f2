import type { AgentStore } from '../actors/connection/agent-store.ts';
import { agentSpec } from '../protocol/agents.ts';
import { shaped } from '../protocol/bounds.ts';
import { hashText, recordFile } from './record-file.ts';

/** An agent's id as the registry has it: see `agentKey` of `protocol/principal.ts`. */
const keptId = shaped(
  64 + 1 + 128,
  /^(?:(?!default\/)[A-Za-z0-9._-]{1,64}\/)?[A-Za-z0-9._-]{1,128}$/,
  'expected 1–128 of [A-Za-z0-9._-], after the tenant and a / in any but the tenant default',
);

const record = agentSpec.extend({ id: keptId, token_hash: hashText });

/** Keeps agents in a {@link recordFile}: `$SWITCHBOARD_HOME/agents.json` (`wire.md` section 3). */
export function fileAgentStore(path: string): AgentStore {
  return recordFile({ path, member: 'agents', record, idOf: ({ id }) => id });
}
