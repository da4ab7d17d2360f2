import { expect, it } from 'vitest';
import { components, create, data, text } from '../support/surfaces.ts';
import { RealDaemon } from './real-daemon.ts';

const EVIL = 'a\u001b[2J\u009b\u007f\u202eb\u200b\u2028\u{e0041}';
const SHOWN = 'a\\u001b[2J\\u009b\\u007f\\u202eb\\u200b\\u2028\\udb40\\udc41';

it('switchboard surfaces › lists and shows them with what cannot be seen written out; the JSON is of the same value', async () => {
  const daemon = await RealDaemon.start();
  const host = await daemon.real.host();
  for (const envelope of [create(EVIL), components(EVIL, text('root', EVIL)), data(EVIL, '/', { [EVIL]: EVIL })]) {
    await host.surfaces.apply(envelope);
  }
  const [table, list, show] = [daemon.io(), daemon.io(), daemon.io()];
  expect(await table.run('surfaces')).toBe(0);
  expect(table.out.split('\n')[1]?.split(/ {2,}/)[0]).toBe(SHOWN);
  expect(await list.run('surfaces', '--json')).toBe(0);
  expect(JSON.parse(list.out)).toMatchObject([{ surfaceId: EVIL }]);
  expect(await show.run('surfaces', 'show', EVIL)).toBe(0);
  expect(JSON.parse(show.out)).toMatchObject({ surfaceId: EVIL, dataModel: { [EVIL]: EVIL } });
  for (const { out } of [table, list, show]) expect(out).toMatch(/^[\x20-\x7e\n]+$/);
});
