import { z } from 'zod';
import type { ErrorCode } from './errors.ts';

/** Who may call a method. `host`: the management role; the rest of the world gets `-32601` (`wire.md` section 2). */
export type Role = 'unauthenticated' | 'any' | 'host' | 'agent';

/**
 * Which broker of a cluster carries a request out (`docs/cluster.md`). `agent`: where the agent is attached that it names.
 * `owner`: the one that knows what it is about; the caller's own is asked first. `home`: the one that keeps what there is
 * once. `all`: each, and their rows are one list. `snapshot`: the caller's own, with what the others have for it. `told`: the caller's own, and wherever the caller has a guest.
 * `named`: the one that it names as `broker`. Where nothing is said: the caller's own.
 */
export type Place = 'agent' | 'owner' | 'home' | 'all' | 'snapshot' | 'told' | 'named';

/** One message of the wire, declared once and whole: dispatch, documentation and the SDK's types come from it. */
export interface MethodSpec {
  /** Its name on the wire, where two messages share one and the table's key tells them apart. */
  name?: string;
  /** `in`: from a client to the broker. `out`: from the broker to a client. */
  direction: 'in' | 'out';
  /** A request is answered, a notification never. */
  kind: 'request' | 'notification';
  /** Who may call it, or, for `out`, who receives it. */
  role: Role;
  /** Section of the wire contract. */
  section: number;
  /** One line for the documentation. */
  summary: string;
  params: z.ZodType;
  result?: z.ZodType;
  /** Names from `ErrorCode` that this method may answer besides the general ones. */
  errors?: readonly (keyof typeof ErrorCode)[];
  /** It tells of all tenants: of the host role that of the default tenant alone may call it, others get `-32601`. */
  tellsAll?: true;
  /** It changes nothing of anybody's: whoever may only observe may call it (`docs/protocol.md#principals`). */
  reads?: true;
  /** The audit has a record of it: where records are required and cannot be written, it is refused (`docs/audit.md`). */
  audited?: true;
  /** Its answer may be megabytes, for a request of a few bytes: refused while too much waits for the caller. */
  answer?: 'large';
  /** Where it is carried out in a cluster of brokers, where not at the caller's own: see {@link Place}. */
  place?: Place;
  /** Other ways to write the parameters, read as the one that `params` checks. */
  readAs?(params: unknown): unknown;
  /** Members of the parameters that are sealed before any actor hears of them: see `Sealed`. */
  secret?: readonly string[];
  /** What a person at the gate is shown in place of the parameters. They have not been checked yet but for being JSON. */
  shown?(params: unknown): unknown;
}

/** A part of the method table. The key is the name on the wire, unless the entry says otherwise. */
export type MethodTable = Readonly<Record<string, MethodSpec>>;

/** Parameters of a method that takes none. What is sent all the same is ignored. */
export const none = z.object({});
