import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A certificate and its key, in PEM, and where they stand in files. */
export interface Issued {
  cert: string;
  key: string;
  files: { cert: string; key: string };
}

/** What is in a certificate. */
export interface Wanted {
  /** Its common name; default: none. */
  name?: string;
  /** Its alternative names, as `openssl` writes them: `DNS:localhost`, `URI:…`. */
  names?: readonly string[];
  /** When it is valid: default now. */
  era?: 'now' | 'past' | 'future';
}

/** The names by which this machine reaches itself. */
export const LOCALHOST = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1'];

const ERAS = {
  now: ['20200101000000Z', '20991231000000Z'],
  past: ['20200101000000Z', '20210101000000Z'],
  future: ['20980101000000Z', '20991231000000Z'],
} as const;

const CONFIG = `
[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
policy = any
default_md = sha256
unique_subject = no
rand_serial = yes
copy_extensions = copy
[any]
commonName = optional
[req]
distinguished_name = none
[none]
`;

/** A certificate authority of one test, made by the `openssl` command: Node makes no certificates. Its files go with the test. */
export class Authority {
  readonly directory = mkdtempSync(join(tmpdir(), 'switchboard-ca-'));
  /** Its own certificate, in PEM. */
  readonly cert: string;
  /** The file that it stands in. */
  readonly file: string;
  #count = 0;

  constructor() {
    onTestFinished(() => rmSync(this.directory, { recursive: true, force: true }));
    writeFileSync(join(this.directory, 'config'), CONFIG);
    writeFileSync(join(this.directory, 'index'), '');
    this.file = join(this.directory, 'ca.pem');
    this.#run('req', '-x509', ...NEW_KEY, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca', '-days', '30');
    this.cert = readFileSync(this.file, 'utf8');
  }

  issue({ name, names = [], era = 'now' }: Wanted): Issued {
    this.#count += 1;
    const [request, key, cert] = ['csr', 'key', 'pem'].map((end) => `${this.#count}.${end}`) as [
      string,
      string,
      string,
    ];
    const alternative = names.length > 0 ? ['-reqexts', 'named'] : [];
    // In a section of its own a name may hold what separates them elsewhere.
    const rows = names.map((each, at) => `${each.replace(':', `.${at} = `)}`);
    writeFileSync(
      join(this.directory, 'names'),
      `${CONFIG}[named]\nsubjectAltName = @names\n[names]\n${rows.join('\n')}\n`,
    );
    const subject = name === undefined ? '/' : `/CN=${name}`;
    this.#run('req', '-config', 'names', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', subject, ...alternative);
    const [from, to] = ERAS[era];
    const signer = ['-cert', 'ca.pem', '-keyfile', 'ca.key', '-startdate', from, '-enddate', to];
    this.#run('ca', '-batch', '-notext', '-config', 'config', ...signer, '-in', request, '-out', cert);
    const files = { cert: join(this.directory, cert), key: join(this.directory, key) };
    return { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8'), files };
  }

  /** One for a server on this machine. */
  server(wanted: Wanted = {}): Issued {
    return this.issue({ names: LOCALHOST, ...wanted });
  }

  #run(...argv: string[]): void {
    execFileSync('openssl', argv, {
      cwd: this.directory,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, OPENSSL_CONF: join(this.directory, 'config') },
    });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
