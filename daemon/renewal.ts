import type { Logger } from 'pino';
import type { Broker, JwtOptions, TlsOptions } from '../broker.ts';
import type { Config } from './config.ts';
import { StartError } from './errors.ts';
import { readJwks } from './jwt.ts';
import type { Reload } from './reload.ts';
import { readCertificates } from './tls.ts';

/** What a SIGHUP reads anew for a broker that listens. */
export function renewOnReload(
  broker: Broker,
  config: Config,
  { tls, jwt }: { tls?: TlsOptions | undefined; jwt?: JwtOptions | undefined },
  log: Logger,
  reload: Reload,
): void {
  if (tls) reload.onReload(() => renewTls(broker, config, log));
  if (jwt?.jwks) reload.onReload(() => renewJwks(broker, config, log));
}

/** Shows the certificates that are in the files now; where they cannot be used, those from before. */
function renewTls(broker: Broker, config: Config, log: Logger): void {
  try {
    const certificates = readCertificates(config);
    if (certificates) broker.renewTls(certificates);
    log.info('SIGHUP: new connections get the certificates that are in the files now');
  } catch (error) {
    // The message says all.
    const why = error instanceof StartError ? error.message : String(error);
    log.error(`SIGHUP: the certificates stay as they were, for those in the files cannot be used: ${why}`);
  }
}

/** Takes the issuer's keys that are in the file now; where they cannot be used, those from before. */
function renewJwks(broker: Broker, config: Config, log: Logger): void {
  try {
    const jwks = readJwks(config);
    if (jwks) broker.renewJwks(jwks);
    log.info('SIGHUP: JWTs are verified with the keys that are in the file now');
  } catch (error) {
    const why = error instanceof StartError ? error.message : String(error);
    log.error(`SIGHUP: the keys of the issuer stay as they were: ${why}`);
  }
}
