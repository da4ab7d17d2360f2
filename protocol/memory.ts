import { z } from 'zod';
import { anyId, listing, longText, truncated } from './bounds.ts';
import { jsonNumber } from './json-number.ts';
import { moment } from './moment.ts';

/** Facts that are kept for somebody, and found again by words (`wire.md` section 11). */

export const addFactParams = z.object({
  subject: z.string().min(1).max(1_024).meta({ description: 'what it is about, 1–1,024 characters' }),
  body: longText().min(1),
  kind: z.string().min(1).max(64).default('fact'),
});
export const factCountResult = z.number().meta({ description: 'how many facts the scope has' });

export const queryFactsParams = z.object({
  query: z.string().min(1).max(4_096).meta({ description: '1–4,096 characters' }),
  k: z.int().min(1).max(100).default(10).meta({ description: 'how many at most, 1–100' }),
});

/** One fact as a query gives it. */
export const factRow = z.object({
  id: anyId(),
  subject: longText(),
  body: longText(),
  kind: longText(),
  created_at: moment().meta({ description: 'RFC 3339' }),
  speaker: longText().optional().meta({ description: 'of what was said in a meeting' }),
  start_ms: jsonNumber.optional(),
  end_ms: jsonNumber.optional(),
  score: z.number().meta({ description: 'the greater, the better' }),
});
/** See {@link factRow}. */
export type FactRow = z.infer<typeof factRow>;

/** The same as a memory gives it to the broker. */
export const keptFactRow = factRow.extend({ created_at: z.number().meta({ description: 'Unix milliseconds' }) });
/** See {@link keptFactRow}. */
export type KeptFactRow = z.infer<typeof keptFactRow>;

export const queryFactsResult = z.object({ facts: listing(factRow), truncated });
export const deleteFactParams = z.object({ id: z.string().min(1).max(128) });
export const deleteFactResult = z.object({ removed: z.boolean() });
