import { ErrorCode } from '../../protocol/wire-error.ts';
import type { FrontCore } from '../core/core.ts';
import { type FrontError, NotJson } from '../core/errors.ts';
import type { FrontServer } from '../core/front.ts';
import { Cards } from './card.ts';
import { answerRpc } from './rpc.ts';
import type { A2aTask } from './task.ts';
import { Tasks } from './tasks.ts';

/** What A2A has no code of its own for. */
const REFUSED = -32_000;
const CODES: Readonly<Record<number, number>> = {
  400: ErrorCode.InvalidRequest,
  500: ErrorCode.InternalError,
};

const codeOf = (error: FrontError): number =>
  error instanceof NotJson ? ErrorCode.ParseError : (CODES[error.status] ?? REFUSED);

/** Agents as A2A servers (`docs/fronts.md#a2a`). */
export function a2aFront(core: FrontCore): FrontServer {
  const cards = new Cards(core);
  const place = { core, tasks: new Tasks<A2aTask>(), held: core.held };
  return {
    routes: [
      {
        method: 'GET',
        path: /^\/([^/]+)\/\.well-known\/agent-card\.json$/,
        isPublic: true,
        answer: (exchange, agent = '') => cards.answer(exchange, agent),
      },
      {
        method: 'POST',
        path: /^\/([^/]+)\/?$/,
        answer: (exchange, agent = '') => answerRpc(place, exchange, agent),
      },
    ],
    errorBody: (error: FrontError) => ({
      jsonrpc: '2.0',
      id: null,
      error: { code: codeOf(error), message: error.message },
    }),
    exposed: ['retry-after', 'www-authenticate'],
  };
}
