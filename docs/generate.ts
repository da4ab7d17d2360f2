import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, renderPages } from './render.ts';

// Writes the generated parts of the documentation: `npm run docs`.
for (const [path, text] of await renderPages()) {
  const file = join(ROOT, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  writeFileSync(file, text);
  console.log(`${path} written`);
}
