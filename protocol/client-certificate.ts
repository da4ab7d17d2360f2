/** What stands in the 403 of an upgrade that wants a client certificate, and has none that counts (`wire.md` section 1). */
export const CERTIFICATE_NEEDED = 'client certificate needed';

/**
 * Of a client's certificate what matters here. Only one that the listener's own CA vouches for ever becomes one of
 * these.
 */
export interface ClientCertificate {
  /** The common name of its subject; undefined where there is none, or more than one. */
  readonly commonName: string | undefined;
  /** The URIs among its subject's alternative names, those of {@link agentIds} apart. */
  readonly uris: readonly string[];
  /** The agents that it is for (`docs/tls.md`): of each URI that begins with the listener's `agentSan`, the rest. */
  readonly agentIds: readonly string[];
}
