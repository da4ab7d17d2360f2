import { WireError } from '../../protocol/errors.ts';
import type { Handler, Handlers } from '../requests/dispatcher.ts';
import { INSPECTION } from './feed.ts';

/** `inspect.subscribe` (`docs/protocol.md` section 12): unknown without `--inspect`. */
const inspectSubscribe: Handler<'inspect.subscribe'> = ({ kernel, from }) => {
  const feed = kernel.peek(INSPECTION);
  if (!feed) throw WireError.methodNotFound();
  return feed.subscribe(from);
};

/** `inspect.unsubscribe` (`docs/protocol.md` section 12). */
const inspectUnsubscribe: Handler<'inspect.unsubscribe'> = ({ kernel, from }) => {
  const feed = kernel.peek(INSPECTION);
  if (!feed) throw WireError.methodNotFound();
  return { unsubscribed: feed.unsubscribe(from) };
};

/** What the feed answers. */
export const inspectMethods: Handlers = {
  'inspect.subscribe': inspectSubscribe,
  'inspect.unsubscribe': inspectUnsubscribe,
};
