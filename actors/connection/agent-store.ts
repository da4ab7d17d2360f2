import type { JsonObject } from '../../protocol/json.ts';

/** What is kept of an agent. Its token only as a hash (`wire.md` section 3). */
export interface AgentRecord {
  id: string;
  name: string;
  capabilities: string[];
  metadata: JsonObject;
  /** SHA-256 of the token, in hexadecimal. */
  token_hash: string;
}

/** Where known agents are kept between two runs: an embedder's own, the daemon's file, or nowhere. */
export interface AgentStore {
  /** Everything that was kept. Called once, when the broker is made; a throw is passed on. */
  load(): AgentRecord[];
  /** Keeps exactly these, synchronously. A throw fails the request that changed them, which then changed nothing. */
  save(records: readonly AgentRecord[]): void;
}

/** Keeps agents for the life of the process. */
export function memoryAgentStore(): AgentStore {
  let kept: readonly AgentRecord[] = [];
  return {
    load: () => structuredClone([...kept]),
    save: (records) => {
      kept = structuredClone([...records]);
    },
  };
}
