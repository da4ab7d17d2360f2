import { WireError } from '../../protocol/errors.ts';
import type { Handler } from '../requests/dispatcher.ts';

/** `inspect.subscribe` (`docs/protocol.md` section 12): unknown without `--inspect`. */
export const inspectSubscribe: Handler<'inspect.subscribe'> = ({ state, from }) => {
  if (!state.inspection) throw WireError.methodNotFound();
  return state.inspection.subscribe(from);
};

/** `inspect.unsubscribe` (`docs/protocol.md` section 12). */
export const inspectUnsubscribe: Handler<'inspect.unsubscribe'> = ({ state, from }) => {
  if (!state.inspection) throw WireError.methodNotFound();
  return { unsubscribed: state.inspection.unsubscribe(from) };
};
