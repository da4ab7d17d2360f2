import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

test('the built console › names every package that went into it, with its licence', async () => {
  const notices = await readFile('dist/console/THIRD_PARTY.txt', 'utf8');
  expect(notices).toMatch(/^preact \d.*, MIT$/m);
  expect(notices).toMatch(/^@preact\/signals \d.*, MIT$/m);
  expect(notices).toMatch(/^elkjs \d.*, EPL-2\.0/m);
  expect(notices).toContain('Eclipse Public License');
  expect(notices).toContain('Permission is hereby granted, free of charge');
});
