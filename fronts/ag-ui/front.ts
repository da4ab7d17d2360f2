import type { FrontCore } from '../core/core.ts';
import type { FrontServer } from '../core/front.ts';
import { Threads } from './threads.ts';

/** AG-UI 1.0 (`docs/fronts.md#ag-ui`). */
export function agUiFront(core: FrontCore): FrontServer {
  const threads = new Threads(core);
  return {
    routes: [{ method: 'POST', path: /^\/([^/]+)$/, answer: (exchange, agent = '') => threads.run(exchange, agent) }],
    errorBody: ({ message, code }) => ({ error: message, ...(code === null ? {} : { code }) }),
    exposed: ['retry-after'],
  };
}
