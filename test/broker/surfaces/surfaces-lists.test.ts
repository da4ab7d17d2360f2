import { beforeAll, beforeEach, expect, test } from 'vitest';
import { type LinkedClient, startLinked } from '../../support/linked.ts';
import { components, create, loadSurfaceSchemas } from '../../support/surfaces.ts';

/* Lists in envelopes: a schema looks at all of what it is given, so it is given little at a time. */

beforeAll(loadSurfaceSchemas);

let host: LinkedClient;
beforeEach(async () => {
  host = await startLinked().host();
});
const apply = (envelope: object) => host.call('a2ui.apply', envelope);

test('a2ui.apply › when it does not fit in one place, far behind in a long list › then that place is named', async () => {
  await host.ok('a2ui.apply', create('s'));
  const rows = Array.from({ length: 200 }, (_, at) => ({ id: `c${at}`, component: 'Text', text: 'x' }));
  const wrong = rows.map((row, at) => (at === 120 ? { id: row.id } : row));
  expect((await apply(components('s', ...wrong))).error.data.issues).toMatchObject([
    { path: 'updateComponents.components.120.component' },
  ]);
  expect((await apply(components('s', ...rows))).error).toBeUndefined();
});

test('a2ui.apply › with more components, or a longer list in one, than a surface has components › then it is not looked at', async () => {
  await host.ok('a2ui.apply', create('s'));
  const limit = { code: -32020, data: { limit: { name: 'max_surface_components', value: 1_000 } } };
  expect((await apply(components('s', ...new Array(1_001).fill({})))).error).toMatchObject(limit);
  const children = new Array(1_001).fill(0);
  expect((await apply(components('s', { id: 'c', component: 'Column', children }))).error).toMatchObject(limit);
});
