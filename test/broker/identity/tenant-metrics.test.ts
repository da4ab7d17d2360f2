import { expect, test } from 'vitest';
import { createBroker } from '../../../broker.ts';
import { openChat, settle } from '../../support/linked.ts';
import { readMetric, scrape } from '../../support/metrics.ts';
import { start } from './people.ts';

const NAMES = ['tenant_connections', 'tenant_agents', 'tenant_turns', 'tenant_turns_total'];

test('/metrics › tells of the tenants that are listed by their names, and of no other, whoever comes', async () => {
  const { broker, join } = start({ metricsTenants: ['acme', 'quiet'] });
  const [echo, theirs] = [await join('@acme', 'echo'), await join('@other', 'echo')];
  const [ann, rival] = [await join('ann@acme'), await join('ann@other')];
  const chat = { agent_id: 'echo', session_id: 's' };
  await openChat(ann, echo, chat);
  await openChat(rival, theirs, chat);
  echo.emit(echo.lastChat().params.session_id, { kind: 'done', finish_reason: 'stop' });
  await settle();
  await openChat(ann, echo, { ...chat, session_id: 't' });
  const told = async () => Promise.all(NAMES.map((name) => readMetric(broker, name)));
  expect(await told()).toEqual([{ acme: 2 }, { acme: 1 }, { acme: 1 }, { acme: 2 }]);
  // Those that have nothing are told of as well.
  for (const name of NAMES) expect(await scrape(broker)).toContain(`switchboard_${name}{tenant="quiet"} 0`);
  expect(await scrape(broker)).not.toContain('tenant="other"');
});

test('/metrics › names no tenant where none is listed', async () => {
  const { broker, join } = start();
  await join('ann@acme');
  const text = await scrape(broker);
  expect(text).not.toContain('acme');
  for (const name of NAMES) expect(text).toContain(`# TYPE switchboard_${name} `);
});

test('metricsTenants › takes names of tenants, a hundred at most', () => {
  const many = Array.from({ length: 101 }, (_, n) => `t${n}`);
  for (const [metricsTenants, why] of [
    [many, /100 tenants at most/],
    [['a b'], /names of 1–64 of \[A-Za-z0-9\._-\], not "a b"/],
    ['acme', /is a list of/],
  ] as const)
    expect(() => createBroker({ metricsTenants: metricsTenants as string[] })).toThrow(why);
});
