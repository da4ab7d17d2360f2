import type { RequestMethod, RequestOf, ResultOf } from '../protocol/methods.ts';
import { checkCall } from './known-options.ts';
import type { Peer } from './peer.ts';

/** What goes with one request and is not sent. */
export interface RequestOptions {
  /** Rejects with a `RequestTimeoutError` after that long, in milliseconds. Default: waits as long as the connection lives. */
  timeoutMs?: number | undefined;
}

/**
 * Sends a request, typed by the method table; a method that an embedder has added to its broker goes by any other name.
 * Rejects with an `RpcError`, a `RequestTimeoutError`, or with what became of the connection.
 */
export interface RequestFunction {
  <K extends RequestMethod>(method: K, params: RequestOf<K>, options?: RequestOptions): Promise<ResultOf<K>>;
  <S extends string>(
    // A known name with the wrong parameters must not slip through here.
    method: S extends RequestMethod ? never : S,
    params?: object,
    options?: RequestOptions,
  ): Promise<unknown>;
}

/**
 * The typed face of a peer's `request`. The broker's results are trusted to fit the table: checking them would also
 * strip what a newer broker adds.
 * @param peer asked at each call, because an agent's changes when it reconnects.
 */
export function requestFunction(peer: () => Peer): RequestFunction {
  const request = async (method: string, params: object = {}, options: RequestOptions = {}) => {
    checkCall('request', options);
    return peer().request(method, params, options.timeoutMs);
  };
  return request as RequestFunction;
}
