import type { Message } from '../../support/linked.ts';
import { pending, resolved } from '../../support/tool-scene.ts';
import type { Said } from './model-records.ts';

/** What an agent of the model says, as an event on the wire. */
export function eventOf(kind: Said['kind'], detail: string): Message {
  switch (kind) {
    case 'token':
      return { kind, delta: detail };
    case 'ask':
      return pending(detail);
    case 'settle':
      return resolved(detail);
    case 'done':
      return { kind, finish_reason: detail };
    case 'error':
      return { kind, error: detail, code: detail };
    case 'auth_required':
      return { kind, reason: detail, message: detail };
    default:
      return { kind, detail };
  }
}
