import { agentId } from '../protocol/ids.ts';
import { checkOptions, type KnownOptions } from '../protocol/options.ts';
import { type A2aOptions, faultOfPublicUrl } from './a2a/options.ts';
import type { OpenAiOptions } from './openai/options.ts';

/** Which fronts, and how. Everything but `fronts` has a default. */
export interface FrontsOptions {
  /** Those to serve, by their names; `all` for every one that there is. */
  fronts: readonly string[] | 'all';
  /** How long a turn waits for its client's next request: a tool's result, a person's word. Milliseconds, default 10 minutes. */
  parkTimeoutMs?: number | undefined;
  /** How long an approval that a front cannot ask for waits for a person elsewhere; then it is denied. Default 5 minutes. */
  approvalTimeoutMs?: number | undefined;
  /** The OpenAI front's own. */
  openai?: OpenAiOptions | undefined;
  /** The A2A front's own. */
  a2a?: A2aOptions | undefined;
}

const KNOWN: KnownOptions = {
  fronts: true,
  parkTimeoutMs: true,
  approvalTimeoutMs: true,
  openai: true,
  a2a: true,
} satisfies Record<keyof FrontsOptions, true>;

const OPENAI: KnownOptions = { approvals: true, showTools: true } satisfies Record<keyof OpenAiOptions, true>;
const A2A: KnownOptions = { root: true, publicUrl: true } satisfies Record<keyof A2aOptions, true>;

/** @throws {TypeError} */
export function checkFrontsOptions(options: FrontsOptions): void {
  checkOptions('mountFronts', options, KNOWN);
  checkOptions('mountFronts, openai', options.openai, OPENAI);
  checkOptions('mountFronts, a2a', options.a2a, A2A);
  const { root, publicUrl } = options.a2a ?? {};
  if (root !== undefined && !agentId.safeParse(root).success)
    throw new TypeError('mountFronts: a2a.root is an agent’s id');
  const fault = publicUrl === undefined ? undefined : faultOfPublicUrl(publicUrl);
  if (fault !== undefined) throw new TypeError(`mountFronts: a2a.publicUrl ${fault}`);
  for (const name of ['parkTimeoutMs', 'approvalTimeoutMs'] as const) {
    const ms = options[name];
    if (ms !== undefined && !(Number.isInteger(ms) && ms > 0 && ms < 2 ** 31))
      throw new TypeError(`mountFronts: ${name} is a number of milliseconds, from 1 to ${2 ** 31 - 1}`);
  }
}
