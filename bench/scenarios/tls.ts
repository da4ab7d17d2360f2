import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientOptions } from 'ws';
import { comeAndGo } from '../load/come-and-go.ts';
import { number } from '../report.ts';
import type { Outcome, Scenario, Setting } from '../scenario.ts';
import { startDaemon } from '../targets/known.ts';
import type { Target } from '../targets/target.ts';

/** Connections that are measured, and those before them, so that what is made once is not counted. */
const CONNECTIONS = 400;
const WARM_UP = 200;
/** A handshake may cost so much more than none, in µs of the daemon. */
const MOST_US = 4_000;

/** What it costs the daemon to take in a connection, authenticated and closed again: plain, with TLS, with both certificates. */
export const tlsScenario: Scenario = {
  name: 'tls',
  does: 'CPU of a connection: without TLS, with it, and with client certificates',
  run,
};

async function run({ cores }: Setting): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-bench-tls-'));
  const path = (name: string) => join(directory, name);
  try {
    // One that signs itself is its own authority, and both sides'.
    const subject = ['-subj', '/CN=bench', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path('key')];
    execFileSync('openssl', ['req', '-x509', '-days', '2', ...key, ...subject, '-out', path('cert')], {
      stdio: 'pipe',
    });
    const tls = ['--tls-cert', path('cert'), '--tls-key', path('key')];
    const mutual = [...tls, '--tls-ca', path('cert'), '--tls-client-auth', 'require'];
    const ca = readFileSync(path('cert'));
    const own = { ca, cert: ca, key: readFileSync(path('key')) };
    const plainUs = await measure(await startDaemon(cores), {});
    const tlsUs = await measure(await startDaemon(cores, tls), { ca });
    const mutualUs = await measure(await startDaemon(cores, mutual), own);
    const rows = Object.entries({ plain: plainUs, TLS: tlsUs, 'TLS, both certificates': mutualUs });
    const over = Math.max(tlsUs, mutualUs) - plainUs;
    return {
      tables: [
        {
          title: 'A connection, opened and authenticated and closed, no session resumed',
          columns: ['CPU of the daemon', 'µs'],
          rows: rows.map(([name, us]) => [name, number(us, 0)]),
        },
      ],
      goals: [
        {
          what: 'CPU of a handshake of TLS',
          wanted: `≤ ${number(MOST_US / 1000, 0)} ms`,
          measured: `${number(over / 1000, 2)} ms`,
          met: over <= MOST_US,
        },
      ],
      raw: { connections: CONNECTIONS, plainUs, tlsUs, mutualUs },
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** µs a connection. */
async function measure(target: Target, options: ClientOptions): Promise<number> {
  try {
    const many = (count: number) => comeAndGo(target.url, count, () => ({ token: target.tokens?.daemon }), options);
    await many(WARM_UP);
    const before = await target.cpu();
    await many(CONNECTIONS);
    return ((await target.cpu()).usedUs - before.usedUs) / CONNECTIONS;
  } finally {
    target.stop();
  }
}
