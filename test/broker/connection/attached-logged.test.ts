import { expect, test } from 'vitest';
import type { Logger } from '../../../broker.ts';
import { settle, startLinked } from '../../support/linked.ts';

function listening() {
  const lines: [what: string, agent: string][] = [];
  const info = ({ agent = '' }: { agent?: string }, what: string) => void lines.push([what, agent]);
  const log: Logger = { debug: () => {}, info, warn: () => {}, error: () => {} };
  return { lines, linked: startLinked({ log }) };
}

test('an agent › when it attaches and detaches › then the log says so, and nothing of other connections', async () => {
  const { lines, linked } = listening();
  const host = await linked.host();
  const agent = await linked.agent('a');
  agent.close();
  host.close();
  await settle();
  expect(lines).toEqual([
    ['agent attached', 'a'],
    ['agent detached', 'a'],
  ]);
});

test('an agent › when it comes and goes all the time › then it does not fill the log, nor hide any of many others', async () => {
  const { lines, linked } = listening();
  for (let n = 0; n < 50; n += 1) {
    (await linked.agent('busy')).close();
    await settle();
  }
  expect(lines).toHaveLength(10);
  // More than are told apart at once, one round after the other.
  for (let round = 0; round < 3; round += 1) {
    await linked.advance(10_020);
    lines.length = 0;
    for (let n = 0; n < 100; n += 1) await linked.agent(`${round}-${n}`);
    expect(lines.filter(([what]) => what === 'agent attached')).toHaveLength(100);
  }
});
