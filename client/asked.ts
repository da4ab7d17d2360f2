import type { InputOf, ResultOf } from '../protocol/methods.ts';
import { checkOptions } from '../protocol/options.ts';
import { type Asked, PARAMS } from './part-options.ts';
import type { RequestFunction } from './request.ts';
import { type Camel, wireNames } from './wire-names.ts';

/**
 * Sends a request whose parameters are the caller's options, under the wire's names.
 * @throws {TypeError} an option that there is not. @throws whatever the request does.
 */
export async function asked<K extends Asked>(
  request: RequestFunction,
  method: K,
  options: Camel<InputOf<K>>,
): Promise<ResultOf<K>> {
  checkOptions(method, options, PARAMS[method]);
  return request(method as never, wireNames(options) as never);
}
