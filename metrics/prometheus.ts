import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * The Prometheus library, loaded when it is first asked for: a broker that nobody scrapes starts sooner without it.
 * By `require`, which tries again after a failure (no file handle left, say); a failed `import()` Node keeps for ever.
 */
export function prometheus(): typeof import('prom-client') {
  return require('prom-client');
}
