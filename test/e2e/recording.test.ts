import { appendFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { inspectTurnResult, inspectTurnsResult } from '../../protocol/recording.ts';
import { openChat } from './support/chat.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { Daemon, startDaemon } from './support/daemon.ts';
import { MAIN, Program } from './support/program.ts';
import type { WireClient } from './support/wire-client.ts';

vi.setConfig({ testTimeout: 120_000 });

const FLAGS = ['--record', 'disk'];
const SECRET = 'sk-live-0123456789abcdef';

test('--record disk › when the daemon is killed › then the next one has the turns that ended and the one that was live, and what is torn is left out and said once', async () => {
  const home = temporaryDirectory();
  const first = await startDaemon({ home, flags: FLAGS, mayFail: true });
  const [manager, host, agent] = [await first.manager(), await first.host(), await first.agent('echo')];
  const ended = await openChat(host, agent, { agent_id: 'echo', session_id: 'a', prompt: `use ${SECRET}` });
  ended.emit({ kind: 'token', delta: 'all of it ' });
  ended.emit({ kind: 'error', error: 'it broke', code: 'broken' });
  const live = await openChat(host, agent, { agent_id: 'echo', session_id: 'b' });
  live.emit({ kind: 'token', delta: 'half of it ' });
  await host.when(() => (host.events(live.turnId).length === 1 ? true : undefined));
  const before = await logOf(manager, ended.turnId);
  expect(before.turn).toMatchObject({ state: 'failed', error: { code: 'broken', message: 'it broke' } });
  const directory = join(home, 'record');
  const fileOf = (turnId: string) => join(directory, `${turnId}.rec`);
  // Written within a second: the files say so themselves.
  await vi.waitFor(() => expect(readdirSync(directory).length).toBe(2));
  for (const one of [ended, live])
    await vi.waitFor(() => expect(statSync(fileOf(one.turnId)).size).toBeGreaterThan(2_000));
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(fileOf(ended.turnId)).mode & 0o777).toBe(0o600);
  await first.program.kill('SIGKILL');
  appendFileSync(fileOf(ended.turnId), 'deadbeef {"at":1,"type":"text","text":"never said"}\n0000 half a li');

  const program = new Program([MAIN, '--port', '0', '--no-socket', ...FLAGS], { SWITCHBOARD_HOME: home });
  await program.shows('"try: ');
  const next = new Daemon(program, home);
  const again = await next.manager();
  const { turns, kept } = inspectTurnsResult.parse(await again.ok('inspect.turns', {}));
  expect(kept).toMatchObject({ turns: 2, on_disk: true });
  expect(turns.map(({ turn_id }) => turn_id)).toEqual([live.turnId, ended.turnId]);
  expect(await logOf(again, ended.turnId)).toEqual(before);
  const log = await logOf(again, live.turnId);
  expect(log.records).toContainEqual(expect.objectContaining({ type: 'text', text: 'half of it ' }));
  expect(JSON.stringify([before, log])).not.toContain(SECRET);
  await program.shows('a part of what was recorded is damaged');
  expect(program.out.match(/a part of what was recorded is damaged/g)).toHaveLength(1);
});

async function logOf(manager: WireClient, turn_id: string) {
  return inspectTurnResult.parse(await manager.ok('inspect.turn', { turn_id }));
}
