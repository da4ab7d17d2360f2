import { removeResult } from './agents.ts';
import * as keys from './keys.ts';
import type { MethodTable } from './method.ts';

/** Keys of people and programs (`docs/protocol.md#keys`). */
export const keyMethods = {
  'keys.add': {
    direction: 'in',
    kind: 'request',
    role: 'host',
    place: 'home',
    audited: true,
    section: 3,
    summary: 'Makes a key for one person or program. Its token is shown once.',
    params: keys.keysAddParams,
    result: keys.madeKey,
    errors: ['NotFound', 'LimitExceeded'],
  },
  'keys.list': {
    direction: 'in',
    kind: 'request',
    role: 'host',
    place: 'all',
    section: 3,
    summary: 'The keys of a tenant; to the daemon’s own management those of all.',
    params: keys.keysListParams,
    result: keys.keysListResult,
    errors: ['NotFound'],
    answer: 'large',
  },
  'keys.remove': {
    direction: 'in',
    kind: 'request',
    role: 'host',
    place: 'home',
    audited: true,
    section: 3,
    summary: 'Ends a key: its connections close with 4403, and their turns end.',
    params: keys.keysRemoveParams,
    result: removeResult,
    errors: ['NotFound'],
  },
  'keys.rotate': {
    direction: 'in',
    kind: 'request',
    role: 'host',
    place: 'home',
    audited: true,
    section: 3,
    summary:
      'Gives a key a new token, shown once. The old one works on for `keep_ms`; then its connections close with 4401.',
    params: keys.keysRotateParams,
    result: keys.madeKey,
    errors: ['NotFound', 'LimitExceeded'],
  },
} as const satisfies MethodTable;
