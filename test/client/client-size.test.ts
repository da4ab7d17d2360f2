import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../docs/render.ts';
import { BUNDLERS, NEEDED, PAGE_GOAL, pageOf } from '../support/page-size.ts';

const PAGE = pageOf(join(ROOT, 'client/browser.ts'));

describe('a page that imports connectHost', () => {
  it.each(BUNDLERS)(
    'built with %s › loads 14 kB of gzip at most, and the whole of what a chat needs',
    async (_, build) => {
      const { bytes, text } = await build(PAGE, ROOT);
      for (const needed of NEEDED) expect(text).toContain(needed);
      expect(bytes).toBeLessThanOrEqual(PAGE_GOAL);
    },
  );
});
