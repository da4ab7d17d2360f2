// Vitest runs this before the tests that start what is built: a test of yesterday's build proves nothing.
import { isBuilt } from './built.js';

export default function requireBuild() {
  if (isBuilt()) return;
  console.error('dist/ is not built from the sources as they are; run `npm run build` before these tests');
  process.exit(1);
}
