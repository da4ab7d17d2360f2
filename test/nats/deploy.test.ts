import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { clusterFlags } from '../../daemon/cluster-flags.ts';
import { variableOf } from '../../daemon/flag.ts';
import { overNats } from '../../nats/open.ts';
import type { NatsOptions } from '../../nats/options.ts';
import { page } from '../docs/support.ts';
import { own, temporaryDirectory } from '../e2e/support/cleanup.ts';
import { brokerOf, slowClock } from '../link/support/broker.ts';
import { describeNats, NATS_SERVER, natsServers } from '../support/nats-servers.ts';
import { optionsOf } from './support/brokers.ts';

const CONFIG = 'deploy/cluster/nats-server.conf';
/** Fields that a server good for trials only does not know. */
const NEW_FIELDS = /unknown field "(no_fast_producer_stall|sync_interval)"/;
const nothing = () => {};

describe('deploy/cluster and compose.yaml', () => {
  it('set what the broker has, and nothing else', () => {
    const known = Object.keys(clusterFlags);
    const commands = [...page('compose.yaml').matchAll(/command: serve (.*)/g)].map(([, words]) => words ?? '');
    expect(commands).toHaveLength(3);
    for (const [, name] of commands.join(' ').matchAll(/--(cluster[\w-]*)/g)) expect(known).toContain(name);
    const variables = [...page('deploy/cluster/switchboard.conf').matchAll(/Environment=(\w+)=/g)].map(
      ([, name]) => name,
    );
    expect(variables.length).toBeGreaterThan(3);
    for (const name of variables) expect(known.map(variableOf)).toContain(name);
  });

  it('name the cluster as the rights in NATS do', () => {
    const [, name] = /SWITCHBOARD_CLUSTER=(\w+)/.exec(page('deploy/cluster/switchboard.conf')) ?? [];
    expect(name).toBe('main');
    expect(page('compose.yaml').match(new RegExp(` --cluster ${name} `, 'g'))).toHaveLength(3);
    expect(page(CONFIG)).toContain(`"sb.${name}.>"`);
  });
});

describeNats('deploy/cluster/nats-server.conf', () => {
  it('is one that nats-server takes', () => {
    const { status, stderr } = spawnSync(NATS_SERVER, ['-t', '-c', CONFIG], {
      encoding: 'utf8',
      env: { NATS_PASSWORD: 'pw' },
    });
    const faults = stderr.split('\n').filter((line) => line.includes(CONFIG) && !NEW_FIELDS.test(line));
    expect(status === 0 ? [] : faults).toEqual([]);
  });

  it('gives a broker the rights to all that it does, and none to another cluster', async () => {
    const text = page(CONFIG);
    const more = text.slice(text.indexOf('authorization {')).replace('$NATS_PASSWORD', 'pw');
    const servers = await natsServers(1, { more });
    const file = join(temporaryDirectory(), 'password');
    writeFileSync(file, 'pw');
    const credentials: NatsOptions['credentials'] = { kind: 'password', user: 'broker', file };
    const news: string[] = [];
    const tell = ({ message }: { message: string }) => news.push(message);
    const start = async (id: string) => {
      const options = optionsOf(servers, 'main', id, { credentials, tell });
      const { carrier, directory, endedTurns } = overNats(options);
      const told: string[] = [];
      const broker = brokerOf(id, carrier, { epoch: options.self.epoch, clock: slowClock });
      await broker.peers.open();
      own(() => broker.peers.close());
      await directory.open(options.self, {
        attached: (key, { broker }) => told.push(`${key} at ${broker}`),
        detached: (key) => told.push(`${key} left`),
        registered: (name, record) => told.push(`${name} is ${record}`),
      });
      own(() => directory.close());
      await endedTurns.open();
      own(() => endedTurns.close());
      return { broker, directory, endedTurns, told };
    };
    const a = await start('a');
    a.directory.attach('x', 'c');
    await a.directory.register('r', '1');
    await vi.waitFor(() => expect(a.told).toEqual(expect.arrayContaining(['x at a', 'r is 1'])));
    // Which reads what is there.
    const b = await start('b');
    expect(b.told.sort()).toEqual(['r is 1', 'x at a']);
    await vi.waitFor(() => expect(b.broker.say('a', 'hello')).toBe(true));
    await vi.waitFor(() => expect(a.broker.heard).toContain('token of b: hello'));
    expect(await a.directory.claim('s')).toEqual({ isOurs: true });
    expect(await b.directory.claim('s')).toEqual({ isOurs: false, broker: 'a' });
    a.directory.release('s');
    await vi.waitFor(async () => expect(await b.directory.claim('s')).toEqual({ isOurs: true }));
    a.directory.detach('x', 'c');
    await b.directory.register('r', undefined);
    await vi.waitFor(() => expect(b.told).toEqual(expect.arrayContaining(['x left', 'r is undefined'])));
    await a.endedTurns.keep('t', Buffer.alloc(2 * 1024 * 1024));
    expect(await b.endedTurns.find('t')).toHaveLength(2 * 1024 * 1024);
    expect(news.filter((line) => /permission/i.test(line))).toEqual([]);
    const other = overNats(optionsOf(servers, 'other', 'a', { credentials, tell: nothing }));
    const handlers = { frame: nothing, reachable: nothing, unreachable: nothing, writable: nothing };
    await expect(other.carrier.open(handlers)).rejects.toMatchObject({ problem: 'permission' });
    const self = { id: 'a', epoch: 'e' };
    await expect(other.directory.open(self, { attached: nothing, detached: nothing })).rejects.toMatchObject({
      problem: 'permission',
    });
  });
});
