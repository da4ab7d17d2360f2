/** The packages of A2A's SDK. */
export type Sdk = typeof import('@a2a-js/sdk') & typeof import('@a2a-js/sdk/client');

/** They are large, and brought in when the first agent starts. */
export const loadSdk = async (): Promise<Sdk> => ({
  ...(await import('@a2a-js/sdk')),
  ...(await import('@a2a-js/sdk/client')),
});
