import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { SEGMENT_HEADER } from '../../journal/blocks.ts';
import { openChat } from './support/chat.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { Daemon, startDaemon } from './support/daemon.ts';
import { CLI, MAIN, Program, run } from './support/program.ts';

/* The files of `--durable`, what the command line says of them, and a daemon that finds them damaged. */

vi.setConfig({ testTimeout: 60_000 });

const SECRET = 'r'.repeat(40);

/** A daemon that was killed in the middle of a turn. */
async function killed(flags: string[]): Promise<{ home: string; turnId: string }> {
  const home = temporaryDirectory();
  const daemon = await startDaemon({ home, flags, mayFail: true });
  const token = await daemon.register('echo');
  const agent = await daemon.connect();
  await agent.ok('session.auth', { agent_id: 'echo', token, resume: true });
  const host = await daemon.host();
  const params = { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000, resume_token: SECRET };
  const { turnId, emit } = await openChat(host, agent, params);
  for (let aseq = 1; aseq <= 6; aseq += 1) {
    emit({ kind: 'token', delta: `the-words-of-the-agent ${aseq}`, aseq });
    // Each is in a block of its own.
    await agent.when(() => agent.received('agent.chat.ack').find((ack) => ack.params.acks[0][1] === aseq));
  }
  await daemon.program.kill('SIGKILL');
  return { home, turnId };
}

/** The file that has something in it. */
function segmentOf(home: string): string {
  const directory = join(home, 'journal');
  const name = readdirSync(directory).find((each) => statSync(join(directory, each)).size > SEGMENT_HEADER);
  return join(directory, name ?? '');
}

test('switchboard journal › lists what is in it, with no daemon there and with one; what was said, and secrets, are in neither', async () => {
  const { home, turnId } = await killed([]);
  expect(statSync(join(home, 'journal')).mode & 0o777).toBe(0o700);
  const file = segmentOf(home);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file).includes(SECRET)).toBe(false);
  expect(readFileSync(file).includes('the-words-of-the-agent 6')).toBe(true);
  const env = { SWITCHBOARD_HOME: home };
  const listed = await run([CLI, 'journal'], env);
  expect(listed).toMatchObject({ code: 0, err: '' });
  expect(listed.out).toMatch(/^TURN +SESSION +AGENT +STATUS +EVENTS +OPENED\n/);
  expect(listed.out).toMatch(new RegExp(`^${turnId} +s +echo +live +6 +\\d{4}-\\S+Z$`, 'm'));
  const json = await run([CLI, 'journal', '--json'], env);
  expect(JSON.parse(json.out)).toMatchObject({ turns: [{ turn: turnId, tenant: 'default', events: 6 }], damaged: [] });
  const verified = await run([CLI, 'journal', 'verify'], env);
  expect(verified).toMatchObject({ code: 0, err: '' });
  expect(verified.out).toMatch(/^ok: 1 turns, \d+ records in \d+ blocks, 1 files, \d+ bytes\n$/);
  const program = new Program([MAIN, '--port', '0', '--no-socket'], env);
  await program.shows('"try: ');
  expect((await run([CLI, 'journal'], env)).out).toContain(turnId);
  // That of another worker is one of the home's, too.
  cpSync(join(home, 'journal'), join(home, 'workers', '2', 'journal'), { recursive: true });
  expect((await run([CLI, 'journal', 'verify'], env)).out).toMatch(
    /^ok: 2 turns, \d+ records in \d+ blocks, 2 files, /m,
  );
  for (const { out, err } of [listed, json, verified]) expect(out + err).not.toMatch(/the-words|rrrr/);
  expect(program.out).not.toMatch(/the-words|rrrr/);
  await program.kill('SIGTERM');
});

test('a daemon › when its journal is damaged › then it does not start, and says which file and byte; with --journal-repair it does', async () => {
  const { home, turnId } = await killed(['--durable', 'disk']);
  const file = segmentOf(home);
  const bytes = readFileSync(file);
  const at = bytes.indexOf('the-words-of-the-agent 3');
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);
  const env = { SWITCHBOARD_HOME: home };
  const argv = [MAIN, '--port', '0', '--no-socket'];
  const refused = await run(argv, env);
  expect(refused.code).toBe(1);
  const [, byte] = /\(at byte (\d+)\)/.exec(refused.err) ?? [];
  expect(refused.err).toMatch(/^switchboard: \S+\.seg is damaged, .* --journal-repair.*: switchboard journal\n$/);
  expect(refused.err).toContain(file);
  expect(Number(byte)).toBeLessThan(at);
  const verified = await run([CLI, 'journal', 'verify'], env);
  expect(verified).toMatchObject({ code: 1, out: '' });
  const [where, remedy] = verified.err.split('\n');
  expect(where).toBe(`switchboard: ${file}: damaged, or a part of it is missing (at byte ${byte})`);
  expect(remedy).toContain('--journal-repair');
  expect((await run([CLI, 'journal'], env)).code).toBe(1);

  const program = new Program([...argv, '--journal-repair'], env);
  await program.shows('"try: ');
  const host = await new Daemon(program, home).host();
  const claim = { session_id: 's', resume_token: SECRET, after: 0 };
  // What was damaged is lost, and what came behind it, but for the agent, which may have it still.
  expect(await host.ok('agents.chat.subscribe', claim)).toMatchObject({ turn_id: turnId, head: 2 });
  await expect.poll(() => readdirSync(join(home, 'journal')).join(' ')).toContain('.seg.damaged');
  await program.kill('SIGTERM');
  const again = new Program(argv, env);
  await again.shows('"try: ');
  await again.kill('SIGTERM');
});

test('a daemon with --durable off › keeps nothing, and says so where more is asked for', async () => {
  const { home } = await killed(['--durable', 'off']);
  expect(readdirSync(join(home, 'journal'))).toEqual([]);
  const refusals: [string[], string][] = [
    [['--durable', 'sometimes'], '--durable takes one of off, process, disk, not "sometimes"'],
    [['--journal-max', '1000'], '--journal-max takes a number of bytes, 268435456 or more, not 1000'],
    [
      ['--durable', 'off', '--journal-repair'],
      '--journal-repair goes with --durable process or disk, not with --durable off',
    ],
    [
      ['--durable', 'off', '--journal-max', '300000000'],
      '--journal-max goes with --durable process or disk, not with --durable off',
    ],
  ];
  for (const [flags, message] of refusals)
    expect(await run([MAIN, ...flags], { SWITCHBOARD_HOME: home })).toMatchObject({
      code: 2,
      err: `switchboard: ${message}\n`,
    });
  const none = await run([CLI, 'journal', '--home', join(home, 'nowhere')], {});
  expect(none).toMatchObject({ code: 1, err: expect.stringContaining('there is no journal') });
});
