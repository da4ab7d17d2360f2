/** What is to be known of the HTTP request that became a connection: as much of Node's `IncomingMessage`. */
export interface UpgradeRequest {
  /** Path and query. */
  readonly url?: string | undefined;
  /** Lower-case names; cookies and what `Authorization` holds are secrets. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly socket: { readonly remoteAddress?: string | undefined };
}
