import { z } from 'zod';
import { faultOfPublicUrl } from '../fronts/a2a/options.ts';
import { DEFAULT_FRONTS, FRONTS, faultOfFronts, frontsNamed } from '../fronts/list.ts';
import { agentId } from '../protocol/ids.ts';
import { ConfigError } from './errors.ts';
import { flagInfo } from './flag.ts';
import type { Given } from './sources.ts';

const group = 'Fronts';
/** Timers cannot wait longer. */
const MAX_DELAY_MS = 2 ** 31 - 1;

function duration(defaultMs: number, does: string) {
  const schema = z.int().min(1).max(MAX_DELAY_MS).default(defaultMs);
  const takes = `milliseconds, an integer from 1 to ${MAX_DELAY_MS}`;
  return schema.register(flagInfo, { kind: 'number', group, does, takes, value: 'MS' });
}

const takes = `all, none, or of ${Object.keys(FRONTS).join(', ')}`;

/** The settings of fronts (`docs/fronts.md`). */
export const frontFlags = {
  front: z
    .array(z.string())
    .default([...DEFAULT_FRONTS])
    .register(flagInfo, {
      kind: 'list',
      group,
      does: "front for other people's programs, repeatable",
      takes,
      value: 'NAME',
      shown: DEFAULT_FRONTS.join(', '),
    }),
  'park-timeout': duration(
    10 * 60_000,
    "how long a chat waits for its client to run a tool or decide, between a front's requests",
  ),
  'front-approval-timeout': duration(
    5 * 60_000,
    'how long an approval is waited for that a front cannot ask for; then it is denied',
  ),
  'a2a-root': agentId.optional().register(flagInfo, {
    kind: 'text',
    group,
    does: 'agent whose A2A card is at /.well-known/agent-card.json, too, with --front a2a',
    takes: "an agent's id",
    value: 'AGENT',
  }),
  'public-url': z
    .string()
    .refine((url) => faultOfPublicUrl(url) === undefined)
    .optional()
    .register(flagInfo, {
      kind: 'text',
      group,
      does: 'what A2A cards say that the daemon is called, behind a proxy',
      takes: 'an http(s) URL without a query',
      value: 'URL',
      shown: 'as whoever asks has called it',
    }),
  'openai-approvals': z.enum(['wait', 'deny']).default('wait').register(flagInfo, {
    kind: 'text',
    group,
    does: 'whether approvals of chats by the OpenAI front wait for the console, or are denied at once',
    takes: 'one of wait, deny',
    value: 'MODE',
  }),
  'openai-show-tools': z.boolean().default(false).register(flagInfo, {
    kind: 'switch',
    group,
    does: "tell what the agent's own tools do, in the OpenAI front's reasoning",
    takes: 'true or false',
  }),
};

/** @throws {ConfigError} where a front is named that there is not, or not yet. */
export function checkFronts(names: readonly string[], given: Given | undefined): void {
  const fault = faultOfFronts(names);
  if (fault !== undefined) throw new ConfigError(`${given?.label ?? '--front'} takes ${takes}: ${fault}`);
}

/** @throws {ConfigError} where an agent is to have the daemon's card, and no card is served. */
export function checkA2a(
  settings: { front: readonly string[]; 'a2a-root'?: string | undefined },
  given: Given | undefined,
): void {
  if (settings['a2a-root'] === undefined || frontsNamed(settings.front).includes('a2a')) return;
  throw new ConfigError(`${given?.label ?? '--a2a-root'} needs the front a2a: --front a2a`);
}
