import type { Front, Scope } from '../../protocol/grants.ts';
import type { KeyLimits } from '../../protocol/shared-limits.ts';

/** What is kept of a key. Its secret only as a hash (`docs/protocol.md#keys`). Moments are RFC 3339. */
export interface KeyRecord {
  tenant: string;
  /** Unique in its tenant. */
  name: string;
  /** Whose it is. */
  sub: string;
  scopes: Scope[];
  /** Which agents exist for it. Undefined: all of its tenant. */
  agents?: string[] | undefined;
  /** Which ways it may come by. Undefined: all. */
  fronts?: Front[] | undefined;
  /** What it is limited to, all of its connections together. Undefined: nothing of its own. */
  limits?: KeyLimits | undefined;
  /** SHA-256 of the key, in hexadecimal. */
  token_hash: string;
  created_at: string;
  /** Undefined: it lasts until it is removed. */
  expires_at?: string | undefined;
  /** When somebody last came by it, as far as it was kept: an hour and more may be missing after a crash. */
  last_used_at?: string | undefined;
  /** The one before the last rotation, and how long it works. */
  previous?: { token_hash: string; until: string } | undefined;
}

/** Where keys are kept between two runs: an embedder's own, the daemon's file, or nowhere. */
export interface KeyStore {
  /** Everything that was kept. Called once, when the broker is made; a throw is passed on. */
  load(): KeyRecord[];
  /** Keeps exactly these, as an `AgentStore` does. */
  save(records: readonly KeyRecord[]): void | Promise<void>;
}

/** Keeps keys for the life of the process. */
export function memoryKeyStore(): KeyStore {
  let kept: readonly KeyRecord[] = [];
  return {
    load: () => structuredClone([...kept]),
    save: (records) => {
      kept = structuredClone([...records]);
    },
  };
}
