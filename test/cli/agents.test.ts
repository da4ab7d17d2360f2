import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestDaemon } from './test-daemon.ts';
import type { TestIo } from './test-io.ts';

let daemon: TestDaemon;
let io: TestIo;
beforeEach(async () => {
  daemon = await TestDaemon.start();
  io = daemon.io();
});
afterEach(() => daemon.stop());

describe('switchboard agents', () => {
  it.each([[['agents']], [['agents', 'list']]])(
    '%j shows a table, with what cannot be seen written out',
    async (argv) => {
      expect(await io.run(...argv)).toBe(0);
      expect(io.out).toBe(
        [
          'ID      NAME                 ATTACHED  TURNS  CAPABILITIES',
          'echo    The echo\\u001b[2J    yes       0      a, b',
          'sleepy  The sleepy\\u001b[2J  no        0      a, b',
          '',
        ].join('\n'),
      );
    },
  );

  it('list --json prints the answer as it is', async () => {
    expect(await io.run('agents', '--json')).toBe(0);
    expect(JSON.parse(io.out)).toMatchObject([{ spec: { id: 'echo' } }, { spec: { id: 'sleepy' } }]);
  });

  it('add prints the token alone on stdout', async () => {
    const flags = ['--name', 'New', '--capability', 'a', '--capability', 'b', '--rotate'];
    expect(await io.run('agents', 'add', 'new', ...flags)).toBe(0);
    expect(io.out).toBe('fresh-token\n');
    expect(io.err).toContain('shown this once');
    expect(daemon.requests).toEqual([
      ['agents.upsert', { id: 'new', name: 'New', capabilities: ['a', 'b'], rotate_token: true }],
    ]);
  });

  it('add --json prints the answer as it is', async () => {
    expect(await io.run('agents', 'add', 'new', '--json')).toBe(0);
    expect(JSON.parse(io.out)).toEqual(daemon.upserted);
  });

  it('add, when the agent is there already › fails, so that no script goes on with an empty token', async () => {
    daemon.upserted = { spec: { id: 'new' } };
    expect(await io.run('agents', 'add', 'new')).toBe(1);
    expect(io.out).toBe('');
    expect(io.err).toContain('exists already; --rotate');
  });

  it('add, when it changes one that is there › says that the token stays', async () => {
    daemon.upserted = { spec: { id: 'new' } };
    expect(await io.run('agents', 'add', 'new', '--name', 'Newer')).toBe(0);
    expect(io.out).toBe('');
    expect(io.err).toContain('its token stays');
  });

  it('add with a wrong host token › ends with 4', async () => {
    expect(await io.run('agents', 'add', 'new', '--host-token', 'bad')).toBe(4);
    expect(io.err).toContain('refused the host token');
  });

  it('remove forgets an agent', async () => {
    expect(await io.run('agents', 'remove', 'echo')).toBe(0);
    expect(io.err).toBe('agent echo removed\n');
  });

  it('remove of one that is not there › ends with 5', async () => {
    expect(await io.run('agents', 'remove', 'nobody')).toBe(5);
    expect(io.err).toBe('switchboard: there is no agent nobody\n');
  });
});
