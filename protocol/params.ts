import type { z } from 'zod';
import { type Issue, WireError } from './errors.ts';
import { unwritable } from './json.ts';

/** How many offending fields one error names; the rest is left out so that an answer never outgrows its request. */
const MAX_ISSUES = 1000;

/**
 * Checks a request's parameters against its schema (`wire.md` section 2).
 * @throws {WireError} `-32602`, naming every offending field.
 */
export function parseParams<T>(schema: z.ZodType<T>, params: unknown): T {
  const reason = unwritable(params);
  if (reason !== undefined) throw WireError.invalidParams([{ path: '', message: reason }]);
  const parsed = schema.safeParse(params ?? {});
  if (parsed.success) return parsed.data;
  throw WireError.invalidParams(parsed.error.issues.slice(0, MAX_ISSUES).map(toIssue));
}

function toIssue(issue: z.core.$ZodIssue): Issue {
  return { path: issue.path.map(String).join('.'), message: issue.message };
}
