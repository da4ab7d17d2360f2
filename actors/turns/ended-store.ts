/** Where ended turns are kept for the other brokers of a cluster: what `EndedTurnStore` of `cluster/` says. */
export interface EndedStore {
  readonly isConnected: boolean;
  open(): Promise<void>;
  keep(name: string, bytes: Uint8Array): Promise<void>;
  find(name: string): Promise<Uint8Array | undefined>;
  begin(name: string): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}
