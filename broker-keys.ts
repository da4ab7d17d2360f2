import { KEY_CHANGES, type Made, type Removal } from './actors/connection/key-changes.ts';
import { KEYS, keyId } from './actors/connection/key-ring.ts';
import type { Kernel } from './actors/kernel/kernel.ts';
import {
  type KeyRow,
  keysAddParams,
  keysListParams,
  keysRemoveParams,
  keysRotateParams,
  type MadeKey,
} from './protocol/keys.ts';
import type { InputOf } from './protocol/methods.ts';
import { parseParams } from './protocol/params.ts';
import { DEFAULT_TENANT, tenantOf } from './protocol/principal.ts';

/**
 * The keys of people and programs (`docs/protocol.md#keys`), as the daemon's own management has them: of all tenants.
 * Parameters are those of the wire, and so are the errors: each throws, or rejects with, a `WireError`. What changes
 * something resolves once the store has kept it.
 */
export interface BrokerKeys {
  /** Makes a key. Its token is told this once. */
  add(params: InputOf<'keys.add'>): Promise<MadeKey>;
  /** Those of one tenant; without one, of all. Unlike on the wire there is room for every one. */
  list(params?: InputOf<'keys.list'>): KeyRow[];
  /** Ends a key: its connections close with 4403, and their turns end. Resolves to whether there was one. */
  remove(params: InputOf<'keys.remove'>): Promise<boolean>;
  /** Gives a key a new token. The old one works on for `keep_ms`. */
  rotate(params: InputOf<'keys.rotate'>): Promise<MadeKey>;
}

/** The keys of one broker. */
export function brokerKeys(kernel: Kernel): BrokerKeys {
  const changes = kernel.get(KEY_CHANGES);
  /** As the wire does it: only where it can be noted, told once it is kept, and noted then. */
  const change = async <C extends Made | Removal>(
    method: string,
    { tenant = DEFAULT_TENANT, name }: { tenant?: string | undefined; name: string },
    make: () => C,
  ): Promise<C> => {
    kernel.demandKeeper();
    kernel.audit.demand();
    const changed = kernel.audit.tried(tenant, method, { on: keyId(tenant, name), data: {} }, make);
    const { on, data } = changed.note;
    const note = (outcome: string) => kernel.audit.registry(tenantOf(on), method, outcome, on, data);
    try {
      await kernel.get(KEYS).kept;
    } catch (error) {
      note('failed');
      throw error;
    }
    note('ok');
    changed.kept();
    return changed;
  };
  const told = ({ row, token }: Made): MadeKey => ({ key: row, token });
  return {
    async add(params) {
      const checked = parseParams(keysAddParams, params);
      return told(await change('keys.add', checked, () => changes.add(checked)));
    },
    list: (params = {}) => changes.list(parseParams(keysListParams, params)),
    async remove(params) {
      const checked = parseParams(keysRemoveParams, params);
      return (await change('keys.remove', checked, () => changes.remove(checked))).removed;
    },
    async rotate(params) {
      const checked = parseParams(keysRotateParams, params);
      return told(await change('keys.rotate', checked, () => changes.rotate(checked)));
    },
  };
}
