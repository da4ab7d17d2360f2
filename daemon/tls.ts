import { checkCertificates, type TlsCertificates, TlsFault, type TlsOptions } from '../transport/tls-options.ts';
import type { Config } from './config.ts';
import { isSystemError, StartError } from './errors.ts';
import { readOwnFile } from './own-file.ts';

/** More than any chain of certificates has. */
const MAX_PEM_BYTES = 1024 * 1024;

const FLAGS = { cert: 'tls-cert', key: 'tls-key', ca: 'tls-ca' } as const;

/** How the daemon's port speaks TLS, read from the files; undefined where it does not. @throws StartError */
export function readTls(config: Config): TlsOptions | undefined {
  const { 'tls-client-auth': clientAuth, 'tls-agent-san': agentSan } = config.settings;
  const certificates = readCertificates(config);
  return certificates && { ...certificates, clientAuth, ...(agentSan === undefined ? {} : { agentSan }) };
}

/**
 * What stands in the files now, checked.
 *
 * @throws StartError naming the flag, variable or key, its file, and what is wrong with it.
 */
export function readCertificates(config: Config): TlsCertificates | undefined {
  const read = (part: keyof typeof FLAGS) => {
    const path = config.settings[FLAGS[part]];
    return path === undefined ? undefined : readPem(path, nameOf(config, part));
  };
  const [cert, key, ca] = [read('cert'), read('key'), read('ca')];
  if (cert === undefined || key === undefined) return undefined;
  const certificates = { cert, key, ...(ca === undefined ? {} : { ca }) };
  try {
    checkCertificates(certificates);
  } catch (error) {
    if (error instanceof TlsFault) throw new StartError(`${nameOf(config, error.part)} ${error.why}`);
    throw error;
  }
  return certificates;
}

function readPem(path: string, name: string): string {
  try {
    return readOwnFile(path, MAX_PEM_BYTES).text;
  } catch (error) {
    if (isSystemError(error)) throw new StartError(`${name} cannot be read: ${error.code}`);
    if (error instanceof StartError) throw new StartError(`${name} is no file`);
    throw error;
  }
}

function nameOf({ settings, given }: Config, part: keyof typeof FLAGS): string {
  return `${given.get(FLAGS[part])} ${JSON.stringify(settings[FLAGS[part]])}`;
}
