import { readFileSync, statSync } from 'node:fs';
import type { ClientTlsOptions } from '../client/node.ts';
import { CliError, Exit } from './exit.ts';

/** What is said of TLS on the command line, each a file in PEM. */
export interface TlsFlags {
  ca?: string;
  cert?: string;
  key?: string;
}

/** The files' contents; undefined where none is named. @throws {CliError} where one cannot be used. */
export function readTlsFlags({ ca, cert, key }: TlsFlags): ClientTlsOptions | undefined {
  if ((cert === undefined) !== (key === undefined))
    throw new CliError(Exit.Usage, cert === undefined ? '--key goes with --cert' : '--cert goes with --key');
  if (ca === undefined && cert === undefined) return undefined;
  return {
    ...(ca === undefined ? {} : { ca: readPem('--ca', ca, 'CERTIFICATE') }),
    ...(cert === undefined ? {} : { cert: readPem('--cert', cert, 'CERTIFICATE') }),
    ...(key === undefined ? {} : { key: readPem('--key', key, 'PRIVATE KEY') }),
  };
}

function readPem(flag: string, path: string, what: string): string {
  let text: string;
  try {
    // At a pipe one would wait for ever.
    if (!statSync(path).isFile()) throw Object.assign(new Error(), { code: 'it is no file' });
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(Exit.Usage, `${flag} takes a file in PEM, and ${JSON.stringify(path)} cannot be read: ${code}`);
  }
  if (new RegExp(`-----BEGIN [A-Z0-9 ]*${what}-----`).test(text)) return text;
  throw new CliError(
    Exit.Usage,
    `${flag} takes a file in PEM, and ${JSON.stringify(path)} holds no ${what.toLowerCase()}`,
  );
}
