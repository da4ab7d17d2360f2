import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openAuditKey } from '../../audit/key.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { startDaemon } from './support/daemon.ts';
import { CLI, MAIN, run } from './support/program.ts';
import type { WireClient } from './support/wire-client.ts';

/* The daemon with --audit, and the commands that read what it has written. */

const verify = (home: string, files: string[], ...more: string[]) =>
  run([CLI, 'audit', 'verify', ...files, ...more], { SWITCHBOARD_HOME: home });

/** The records of a file, half a line at its end left out. */
const recordsOf = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const whatsOf = (path: string): string[] => (existsSync(path) ? recordsOf(path).map(({ what }) => what) : []);

/** Waits until a file has a record of this name, so many times. */
const has = (path: string, what: string, times = 1) =>
  expect.poll(() => whatsOf(path).filter((name) => name === what).length).toBeGreaterThanOrEqual(times);

/** A request that a client was sent. */
const asked = (client: WireClient, method: string) =>
  client.when(() => client.frames.find((frame) => frame.method === method));

it('an audit has who did what, the log its checkpoints, and no secret is in either', async () => {
  const file = join(temporaryDirectory(), 'audit.jsonl');
  const daemon = await startDaemon({ flags: ['--audit', file, '--approve', 'tools.execute:clock'] });
  const secrets = {
    prompt: 'the-prompt-of-somebody',
    delta: 'the-words-of-the-agent',
    parameter: 'the-parameter-of-a-tool',
    result: 'the-result-of-a-tool',
    detail: 'the-detail-of-an-approval',
    wrong: 'a-wrong-token-of-somebody',
    metadata: 'the-metadata-of-an-agent',
  };
  const stranger = await daemon.connect();
  await stranger.call('session.auth', { token: secrets.wrong });
  const manager = await daemon.manager();
  const { token } = await manager.ok('agents.upsert', { id: 'ann', metadata: { note: secrets.metadata } });
  const agent = await daemon.connect();
  await agent.ok('session.auth', { agent_id: 'ann', token });
  const host = await daemon.host();
  await host.ok('tools.register', [{ name: 'clock' }]);
  const opening = host.call('agents.chat', {
    agent_id: 'ann',
    session_id: 's',
    prompt: secrets.prompt,
    resume_window_ms: 1_000,
  });
  agent.answer(await asked(agent, 'agent.chat'), { accepted: true });
  const { result } = await opening;
  agent.notify('agent.chat.event', { session_id: 's', kind: 'token', delta: secrets.delta });
  const running = agent.call('tools.execute', {
    session_id: 's',
    tool: 'clock',
    parameters: { at: secrets.parameter },
  });
  await has(file, 'approval.raise');
  const [row] = (await manager.ok('host.approvals')).approvals;
  await manager.ok('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
  host.answer(await asked(host, 'tools.execute'), { said: secrets.result });
  await running;
  const { id } = await host.ok('host.request_approval', { action: secrets.detail, details: { text: secrets.detail } });
  await manager.ok('host.resolve_approval', { approval_id: id, resolution: 'deny' });
  agent.notify('agent.chat.event', { session_id: 's', kind: 'done', finish_reason: 'stop', text: secrets.delta });
  await has(file, 'turn.end');
  await daemon.stop();

  const text = readFileSync(file, 'utf8');
  const whats = new Set(whatsOf(file));
  for (const what of [
    'session.auth',
    'agents.upsert',
    'agent.attach',
    'turn.open',
    'approval.raise',
    'approval.resolve',
    'tool.run',
    'turn.end',
    'agent.detach',
    'session.end',
    'broker.start',
    'broker.stop',
  ])
    expect(whats).toContain(what);
  expect(recordsOf(file).find(({ what }) => what === 'session.auth')).toMatchObject({
    ip: '127.0.0.1',
    outcome: 'refused',
  });
  const raised = recordsOf(file).find(({ what }) => what === 'approval.raise');
  const hash = createHash('sha256')
    .update(JSON.stringify({ at: secrets.parameter }))
    .digest('hex');
  expect(raised.data).toMatchObject({ tool: 'clock', params_sha256: hash });
  const key = JSON.parse(readFileSync(join(daemon.home, 'audit.key'), 'utf8'));
  expect(statSync(join(daemon.home, 'audit.key')).mode & 0o777).toBe(0o600);
  const all = [
    ...Object.values(secrets),
    token,
    result.resume_token,
    daemon.tokens.daemon,
    daemon.tokens.host,
    key.hmac,
    key.ed25519,
  ];
  for (const secret of all) {
    expect(secret).toEqual(expect.any(String));
    for (const place of [text, daemon.program.out, daemon.program.err]) expect(place).not.toContain(secret);
    expect(text).not.toContain(createHash('sha256').update(secret).digest('hex'));
  }

  const log = join(daemon.home, 'log');
  writeFileSync(log, daemon.program.out);
  expect(await verify(daemon.home, [file], '--log', log)).toEqual({
    code: 0,
    signal: null,
    out: expect.stringMatching(/^ok: \d+ records, 1 to \d+; they agree with 1 of the log's checkpoints\n$/),
    err: '',
  });
  const shown = await run([CLI, 'audit', 'show', file, '--what', 'turn']);
  expect(shown.out.trim().split('\n')).toEqual([
    expect.stringMatching(
      / {2}local {2}turn\.open {2}ok {2}\S+ {2}ip=127\.0\.0\.1 {2}conn=\S+ {2}session=s {2}agent=ann/,
    ),
    expect.stringMatching(/ {2}local {2}turn\.end {2}done /),
  ]);
  const since = await run([CLI, 'audit', 'show', file, '--since', '2000-01-01', '--who', 'agent:ann', '--json']);
  expect(
    since.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).what),
  ).toEqual(['session.auth', 'agent.attach', 'approval.raise', 'tool.run', 'session.end', 'agent.detach']);
  expect((await run([CLI, 'audit', 'show', file, '--since', '1s'])).code).toBe(0);
  expect(await run([CLI, 'audit', 'show', file, '--since', 'soon'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('it takes a time'),
  });

  const changed = text.replace('"outcome":"approved"', '"outcome":"approveD"');
  writeFileSync(file, changed);
  const line = changed.slice(0, changed.indexOf('approveD')).split('\n').length;
  expect(await verify(daemon.home, [file])).toMatchObject({
    code: 1,
    out: '',
    err: `switchboard: ${file}:${line}: the line was changed, or this key has not made it (${line - 1} records before it are as they were made)\n`,
  });
});

it('an audit whose daemon is killed while it writes › is whole, but perhaps for half a line, and gone on with', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'audit.jsonl');
  const home = join(directory, 'home');
  for (let round = 1; round <= 4; round += 1) {
    const daemon = await startDaemon({ home, flags: ['--audit', file] });
    // Without waiting for answers: something is being written when it is killed.
    const storm = Promise.allSettled(Array.from({ length: 200 }, async () => (await daemon.host()).close()));
    await has(file, 'session.auth', round * 5);
    await daemon.program.kill('SIGKILL');
    await storm;
    const verdict = await verify(home, [file]);
    expect(verdict).toMatchObject({ code: 0, out: expect.stringMatching(/^ok: \d+ records, 1 to \d+\n$/) });
    expect(verdict.err).toContain('it does not end with a stop');
  }
  expect(whatsOf(file).filter((what) => what === 'audit.open')).toHaveLength(4);
});

it('an audit that is moved away › goes on in a new file after a SIGHUP, which stops nothing', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'audit.jsonl');
  const daemon = await startDaemon({ flags: ['--audit', file] });
  const host = await daemon.host();
  await has(file, 'session.auth');
  renameSync(file, `${file}.1`);
  daemon.program.child.kill('SIGHUP');
  await has(file, 'audit.open');
  await host.ok('agents.list');
  // Another daemon would make two chains of it.
  const other = await run([MAIN, '--port', '0', '--no-socket', '--audit', file], {
    SWITCHBOARD_HOME: join(directory, 'other'),
  });
  expect(other).toMatchObject({
    code: 1,
    err: `switchboard: another daemon (pid ${daemon.announced.pid}) writes the audit ${file}; give each its own\n`,
  });
  await daemon.stop();
  const [{ what, prev }] = recordsOf(file);
  expect({ what, prev }).toEqual({ what: 'audit.open', prev: recordsOf(`${file}.1`).at(-1).mac });
  expect(await verify(daemon.home, [`${file}.1`, file])).toMatchObject({ code: 0, err: '' });
  expect(await verify(daemon.home, [file])).toMatchObject({
    code: 0,
    err: expect.stringContaining('begins at record'),
  });
  expect(await verify(daemon.home, [file, `${file}.1`])).toMatchObject({
    code: 0,
    err: expect.stringContaining('a chain of its own'),
  });
});

it('an audit that has no room › is said once, holds nobody up, and is written again once there is room', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'audit.jsonl');
  // 32 KiB for each file: as a disk that is full, it takes the beginning of what does not fit.
  const daemon = await startDaemon({
    flags: ['--audit', file, '--audit-required'],
    limits: 'ulimit -S -f 64',
    mayFail: true,
  });
  const manager = await daemon.manager();
  const isFull = () => daemon.program.out.includes('the audit cannot be written');
  for (let n = 0; n < 1_000 && !isFull(); n += 1) {
    const host = await daemon.connect();
    await host.call('session.auth', { token: daemon.tokens.daemon });
    host.close();
  }
  expect(isFull()).toBe(true);
  expect(statSync(file).size).toBeLessThanOrEqual(32 * 1024);
  const refused = { error: { code: -32603, message: 'internal error' } };
  expect(await manager.call('agents.upsert', { id: 'bob' })).toMatchObject(refused);
  expect(await (await daemon.connect()).call('session.auth', { token: daemon.tokens.daemon })).toMatchObject(refused);
  await manager.ok('agents.list');
  expect((await daemon.get('/metrics')).body).toMatch(/^switchboard_audit_writable 0$/m);
  renameSync(file, `${file}.1`);
  daemon.program.child.kill('SIGHUP');
  await daemon.program.shows('the audit is written again');
  await manager.ok('agents.upsert', { id: 'bob' });
  expect((await daemon.get('/metrics')).body).toMatch(/^switchboard_audit_writable 1$/m);
  await daemon.stop();
  expect(daemon.program.out.split('the audit cannot be written').length).toBe(2);
  expect(await verify(daemon.home, [`${file}.1`, file])).toMatchObject({ code: 0, err: '' });
  expect(whatsOf(file)).toContain('agents.upsert');
});

it('audit verify, without a key or without the file › then one line says which is missing', async () => {
  const home = temporaryDirectory();
  expect(await verify(home, ['/nope'])).toEqual({
    code: 1,
    signal: null,
    out: '',
    err: `switchboard: there is no key ${join(home, 'audit.key')}; name the daemon's with --key-file\n`,
  });
  openAuditKey(join(home, 'audit.key'));
  expect(await verify(home, ['/nope'])).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringMatching(/^switchboard: .*\/nope.*\n$/),
  });
});
