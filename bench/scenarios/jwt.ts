import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { comeAndGo } from '../load/come-and-go.ts';
import { number } from '../report.ts';
import type { Outcome, Scenario, Setting } from '../scenario.ts';
import { median, spread } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';

/** Connections of one round. */
const CONNECTIONS = 1_000;
/** A connection by a JWT that was verified before may cost so much more than one by the daemon token, in µs. */
const MOST_US = 10;

const ISSUER = 'https://idp.example';
const AUDIENCE = 'https://broker.example/';

/** What it costs the daemon to take in somebody by a JWT that it knows, over the daemon token; and by one that is new each time. */
export const jwtScenario: Scenario = {
  name: 'jwt',
  does: 'CPU of a connection by a JWT, verified before or not, over one by the daemon token',
  run,
};

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-bench-jwt-'));
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const file = join(directory, 'jwks.json');
  writeFileSync(file, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'bench' }] }));
  const make = (jti: string) =>
    new SignJWT({ scope: 'chat', jti })
      .setProtectedHeader({ alg: 'ES256', kid: 'bench' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject('somebody')
      .setExpirationTime('2h')
      .sign(privateKey);
  const target = await startDaemon(cores, ['--jwt-issuer', ISSUER, '--jwt-audience', AUDIENCE, '--jwks-file', file]);
  try {
    const jwt = await make('known');
    const measured = async (what: () => Promise<void>): Promise<number> => {
      const before = await target.cpu();
      await what();
      return ((await target.cpu()).usedUs - before.usedUs) / CONNECTIONS;
    };
    const byToken = () => comeAndGo(target.url, CONNECTIONS, () => ({ token: target.tokens?.daemon }));
    const byJwt = () => comeAndGo(target.url, CONNECTIONS, () => ({ jwt }));
    await byToken();
    await byJwt();
    const [tokenUs, jwtUs]: [number[], number[]] = [[], []];
    for (let round = 0; round < sizes.rounds; round += 1) {
      tokenUs.push(await measured(byToken));
      jwtUs.push(await measured(byJwt));
    }
    const fresh = await Promise.all(Array.from({ length: CONNECTIONS }, (_, jti) => make(String(jti))));
    const freshUs = await measured(() => comeAndGo(target.url, CONNECTIONS, (at) => ({ jwt: fresh[at] })));
    const more = median(jwtUs.map((us, at) => us - (tokenUs[at] ?? Number.NaN)));
    const row = (what: string, values: number[]) => {
      const [least, greatest] = spread(values);
      return [what, `${number(median(values), 0)} (${number(least, 0)}–${number(greatest, 0)})`];
    };
    return {
      tables: [
        {
          title: 'A connection, opened and authenticated and closed',
          columns: ['CPU of the daemon', 'µs'],
          rows: [
            row('by the daemon token', tokenUs),
            row('by a JWT that was verified before', jwtUs),
            row('by a JWT of ES256 that is new', [freshUs]),
          ],
        },
      ],
      goals: [
        {
          what: 'CPU of a JWT that was verified before, over the daemon token',
          wanted: `≤ ${MOST_US} µs`,
          measured: `${number(more, 1)} µs`,
          met: more <= MOST_US,
        },
      ],
      raw: { connections: CONNECTIONS, tokenUs, jwtUs, freshUs },
    };
  } finally {
    target.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
