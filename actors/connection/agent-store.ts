import type { JsonObject } from '../../protocol/json.ts';

/** What is kept of an agent. Its token only as a hash (`wire.md` section 3). */
export interface AgentRecord {
  /** In a tenant other than `default`: that, `/`, and the id. */
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
  /**
   * Keeps exactly these: before it returns, or before what it returns resolves. It is called again only after that, with
   * all that was changed meanwhile. A throw, and a rejection, fails the requests that wait for it, those that came
   * meanwhile too, and they changed nothing then.
   */
  save(records: readonly AgentRecord[]): void | Promise<void>;
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
