import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startDaemon } from './support/daemon.ts';
import { WireClient } from './support/wire-client.ts';

/** Whether a token lets somebody in. */
async function works(url: string, token: string): Promise<boolean> {
  const client = await WireClient.open(url);
  const { error } = await client.call('session.auth', { token });
  client.socket.terminate();
  return error === undefined;
}

it('keys › when the daemon is stopped and started › then they work on, and its files hold hashes alone', async () => {
  const first = await startDaemon();
  const manager = await first.manager();
  const { token } = await manager.ok('keys.add', { name: 'alice', tenant: 'acme' });
  const boss = await manager.ok('keys.add', { name: 'boss', tenant: 'acme', scopes: ['host'] });
  const gone = await manager.ok('keys.add', { name: 'gone' });
  await manager.ok('keys.remove', { name: 'gone' });
  const old = await manager.ok('keys.add', { name: 'old' });
  const fresh = await manager.ok('keys.rotate', { name: 'old', keep_ms: 3_600_000 });
  const client = await WireClient.open(first.url, { headers: { authorization: `Bearer ${boss.token}` } });
  const agent = await client.ok('agents.upsert', { id: 'echo' });
  await first.stop();
  const second = await startDaemon({ home: first.home });
  expect(await works(second.url, token)).toBe(true);
  expect(await works(second.url, gone.token)).toBe(false);
  expect([await works(second.url, old.token), await works(second.url, fresh.token)]).toEqual([true, true]);
  const echo = await second.connect();
  expect(await echo.ok('session.auth', { agent_id: 'echo', token: agent.token })).toMatchObject({ agent_id: 'echo' });
  const kept = readFileSync(join(first.home, 'keys.json'), 'utf8');
  const logged = [first, second].map(({ program }) => program.out + program.err).join('');
  for (const { token: secret } of [{ token }, boss, gone, old, fresh]) {
    expect(kept).not.toContain(secret.slice(4));
    expect(logged).not.toContain(secret.slice(4));
  }
});

it('keys › when the daemon is killed while they are made › then all that were told of work, and the file is whole', async () => {
  let home: string | undefined;
  const told: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    const daemon = await startDaemon(home === undefined ? {} : { home });
    ({ home } = daemon);
    for (const token of told) expect(await works(daemon.url, token)).toBe(true);
    const manager = await daemon.manager();
    const making = Array.from({ length: 40 }, (_, n) =>
      manager
        .ok('keys.add', { name: `key-${round}-${n}` })
        .then(({ token }) => told.push(token))
        .catch(() => {}),
    );
    // Once the first are told of: the others are on their way.
    await Promise.race(making);
    await daemon.program.kill('SIGKILL');
    await Promise.allSettled(making);
    const { keys } = JSON.parse(readFileSync(join(home, 'keys.json'), 'utf8'));
    expect(keys.length).toBeGreaterThanOrEqual(told.length);
  }
  expect(told.length).toBeGreaterThan(0);
});
