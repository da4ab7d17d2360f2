import * as inspect from './inspect.ts';
import { type MethodTable, none } from './method.ts';
import * as recording from './recording.ts';
import * as status from './status.ts';

/**
 * What the console watches the broker by (`docs/protocol.md` section 12). For the host role alone, and that of the
 * default tenant: it tells of everybody.
 */
export const consoleMethods = {
  'broker.status': {
    direction: 'in',
    kind: 'request',
    reads: true,
    role: 'host',
    place: 'named',
    tellsAll: true,
    section: 12,
    summary: 'How the broker is: connections, turns, counts, queues, delays. Cheap enough to ask once a second.',
    params: status.statusParams,
    result: status.statusResult,
    errors: ['NotFound', 'AgentNotAttached'],
  },
  'inspect.subscribe': {
    direction: 'in',
    kind: 'request',
    role: 'host',
    tellsAll: true,
    section: 12,
    summary:
      'From now on inspect.event notifications; answers every live actor and every chart. Again: a new snapshot.',
    params: none,
    result: inspect.inspectSubscribeResult,
    errors: ['MethodNotFound', 'LimitExceeded'],
    answer: 'large',
  },
  'inspect.unsubscribe': {
    direction: 'in',
    kind: 'request',
    role: 'host',
    tellsAll: true,
    section: 12,
    summary: 'No more inspect.event notifications.',
    params: none,
    result: inspect.inspectUnsubscribeResult,
    errors: ['MethodNotFound'],
  },
  'inspect.turns': {
    direction: 'in',
    kind: 'request',
    role: 'host',
    place: 'all',
    tellsAll: true,
    section: 12,
    summary: 'Recorded turns, live and ended, the newest first. Unknown where nothing is recorded (--record off).',
    params: recording.inspectTurnsParams,
    result: recording.inspectTurnsResult,
    errors: ['MethodNotFound', 'LimitExceeded', 'DeadlineExceeded'],
    answer: 'large',
  },
  'inspect.turn': {
    direction: 'in',
    kind: 'request',
    role: 'host',
    place: 'owner',
    tellsAll: true,
    section: 12,
    summary: 'What happened in one recorded turn, in order; of a live one what has happened so far.',
    params: recording.inspectTurnParams,
    result: recording.inspectTurnResult,
    errors: ['MethodNotFound', 'NotFound', 'LimitExceeded'],
    answer: 'large',
  },
  'inspect.event': {
    direction: 'out',
    kind: 'notification',
    role: 'host',
    section: 12,
    summary: 'What actors heard and how they changed, in order, gathered over 50 ms.',
    params: inspect.inspectEventParams,
  },
} as const satisfies MethodTable;
