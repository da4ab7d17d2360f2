import { SCOPES } from '../protocol/grants.ts';
import { agentId } from '../protocol/ids.ts';
import { isJwtOver, type JwtFault, type VerifiedJwt } from '../protocol/jwt.ts';
import { DEFAULT_TENANT, isReservedSubject, subjectName, tenantName } from '../protocol/principal.ts';

/** So many agents one token may name, in either claim. */
const MAX_AGENTS = 256;
/** So many lists of agents are remembered. */
const MAX_LISTS = 1_000;
const MAX_NAME = 256;
/** No token lasts longer here, whatever it says: ten years. */
const LONGEST_MS = 10 * 365 * 24 * 60 * 60 * 1000;

const OWN_SCOPES: ReadonlySet<string> = new Set(SCOPES);

/** Claims of a token whose signature, issuer, audience and times are as they should be. */
export type Claims = Readonly<Record<string, unknown>>;

/** What those claims mean here (`docs/protocol.md#jwt`). What is there and is not what it should be is refused. */
export class ClaimReader {
  readonly #tenantClaim: string | undefined;
  /** By the agents. Whoever has the same list hears of the same events, by the same numbers. */
  readonly #lists = new Map<string, NonNullable<VerifiedJwt['mayUse']>>();

  /** @param tenantClaim - the claim that names the tenant; undefined: everybody is of the default one */
  constructor(tenantClaim: string | undefined) {
    this.#tenantClaim = tenantClaim;
  }

  /** @param now - Unix milliseconds */
  read(claims: Claims, now: number): VerifiedJwt | JwtFault {
    const { sub, exp, name } = claims;
    if (!subjectName.safeParse(sub).success || isReservedSubject(sub as string)) return 'jwt_subject';
    const expiresAt = Math.min(Math.floor((exp as number) * 1000), now + LONGEST_MS);
    // What verifies signatures allows a little more than those who are in have.
    if (isJwtOver(expiresAt, now)) return 'jwt_expired';
    const tenant = this.#tenantOf(claims);
    if (tenant === undefined) return 'jwt_tenant';
    const mayUse = claims.agents === undefined ? undefined : this.#mayUse(claims.agents);
    if (mayUse === null) return 'jwt_agents';
    return {
      tenant,
      sub: sub as string,
      name: typeof name === 'string' && name !== '' && name.length <= MAX_NAME ? name : undefined,
      scopes: scopesOf(claims),
      mayUse,
      expiresAt,
    };
  }

  #tenantOf(claims: Claims): string | undefined {
    const claim = this.#tenantClaim;
    if (claim === undefined || !Object.hasOwn(claims, claim)) return DEFAULT_TENANT;
    const checked = tenantName.safeParse(claims[claim]);
    return checked.success ? checked.data : undefined;
  }

  /** Null where that is no list of agents. */
  #mayUse(listed: unknown): NonNullable<VerifiedJwt['mayUse']> | null {
    if (!Array.isArray(listed) || listed.length > MAX_AGENTS) return null;
    if (!listed.every((id) => agentId.safeParse(id).success)) return null;
    const agents: ReadonlySet<string> = new Set(listed);
    const key = [...agents].sort().join(' ');
    const mayUse = this.#lists.get(key) ?? ((id: string) => agents.has(id));
    // The one that was used last stands last.
    this.#lists.delete(key);
    this.#lists.set(key, mayUse);
    if (this.#lists.size > MAX_LISTS) for (const oldest of this.#lists.keys()) return this.#forget(oldest, mayUse);
    return mayUse;
  }

  #forget<T>(key: string, result: T): T {
    this.#lists.delete(key);
    return result;
  }
}

/** Of `scope`, and of `scp`, as some servers call it: words in one text, or a list of them. Others' are passed over. */
function scopesOf({ scope, scp }: Claims): ReadonlySet<string> {
  const words = [scope, scp].flatMap((said) => (typeof said === 'string' ? said.split(' ') : said));
  const known = words.filter((word): word is string => typeof word === 'string' && isScope(word));
  return new Set(known.slice(0, MAX_AGENTS));
}

function isScope(word: string): boolean {
  if (OWN_SCOPES.has(word) || word === 'agent:*') return true;
  return word.startsWith('agent:') && agentId.safeParse(word.slice('agent:'.length)).success;
}
