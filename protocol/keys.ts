import { z } from 'zod';
import { anyId, list, listing, nameText, shaped } from './bounds.ts';
import { FRONTS, SCOPES } from './grants.ts';
import { agentId } from './ids.ts';
import { moment } from './moment.ts';
import { isReservedSubject, subjectName, tenantName } from './principal.ts';
import { KEY_LIMITS, type KeyLimit, MAX_SHARED_LIMIT } from './shared-limits.ts';

/** Longest time in milliseconds that a key may be made for, and the old one of a rotation kept: ten years. */
export const MAX_KEY_MS = 10 * 365 * 24 * 60 * 60 * 1000;

const notReserved = (name: string) => !isReservedSubject(name);
const reserved = 'is not local, which the daemon token is, and begins with no agent:';

/** A key's name: 1–64 of `[A-Za-z0-9._@-]`, unique in its tenant. */
export const keyName = shaped(64, /^[A-Za-z0-9._@-]{1,64}$/, '1–64 of [A-Za-z0-9._@-]').refine(notReserved, reserved);

/** Whose a key is, where that is not its name. */
const keySubject = subjectName.refine(notReserved, reserved);
/** A kind of list that says something, or is not there. */
const some = <T extends z.ZodType>(element: T, most: number) => list(element, most).min(1);
const scopes = () => some(z.enum(SCOPES), SCOPES.length);
const agents = () => some(agentId, 256);
const fronts = () => some(z.enum(FRONTS), FRONTS.length);
const milliseconds = (least: number) => z.int().min(least).max(MAX_KEY_MS);

const limit = z.int().min(1).max(MAX_SHARED_LIMIT).optional();
/** Of a name that there is not, nobody is to think that it limits anything. */
const limits = () =>
  z
    .strictObject(Object.fromEntries(KEY_LIMITS.map((name) => [name, limit])) as Record<KeyLimit, typeof limit>)
    .refine((some) => Object.values(some).some((one) => one !== undefined), 'names at least one');

/** Which key is meant. `tenant`: for the daemon's own management alone; anybody else's is their own. */
const which = { name: keyName, tenant: tenantName.optional() };

export const keysAddParams = z.object({
  ...which,
  sub: keySubject
    .optional()
    .meta({ description: 'whose it is; by default its name. Several keys may be one person’s' }),
  scopes: scopes().optional().meta({ description: 'by default `chat`' }),
  agents: agents().optional().meta({ description: 'which it may use; by default all. Not with the scope `host`' }),
  fronts: fronts().optional().meta({ description: 'which ways it may come by; by default all' }),
  limits: limits()
    .optional()
    .meta({ description: 'of this key alone, beside those that are set for all ([shared limits](#shared-limits))' }),
  expires_in_ms: milliseconds(1).optional().meta({ description: 'by default it lasts until it is removed' }),
});
export const keysListParams = z.object({
  tenant: tenantName.optional(),
  like: nameText()
    .optional()
    .meta({ description: 'those alone that have it in their name, `sub` or tenant, in capitals or not; `""` is all' }),
});
export const keysRemoveParams = z.object(which);
export const keysRotateParams = z.object({
  ...which,
  keep_ms: milliseconds(0).default(0).meta({ description: 'how long the old one works beside the new' }),
});

/** What is known of a key, its secret apart. */
export const keyRow = z.object({
  name: keyName,
  tenant: tenantName,
  sub: keySubject,
  scopes: scopes(),
  agents: agents().optional(),
  fronts: fronts().optional(),
  limits: limits().optional(),
  created_at: moment(),
  last_used_at: moment().optional().meta({ description: 'when somebody last came by it; none: nobody has' }),
  expires_at: moment().optional(),
  previous_until: moment().optional().meta({ description: 'after a rotation: so long the old one works' }),
  connections: z.number(),
});
/** See {@link keyRow}. */
export type KeyRow = z.infer<typeof keyRow>;

/** A key that was made, and its secret, which is told this once. */
export const madeKey = z.object({ key: keyRow, token: anyId() });
/** See {@link madeKey}. */
export type MadeKey = z.infer<typeof madeKey>;
export const keysListResult = listing(keyRow);
