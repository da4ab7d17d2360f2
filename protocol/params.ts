import type { z } from 'zod';
import { MAX_ISSUES } from './bounds.ts';
import { type Issue, WireError } from './errors.ts';
import { unwritable } from './json.ts';

/** Characters of one issue's path, and of its message: a message may name keys of the sender's, all of them. */
const MAX_ISSUE_TEXT = 256;

/**
 * Checks a request's parameters against its schema (`wire.md` section 2).
 * @throws {WireError} `-32602`, naming every offending field, twenty at most.
 */
export function parseParams<T>(schema: z.ZodType<T>, params: unknown): T {
  const reason = unwritable(params);
  if (reason !== undefined) throw WireError.invalidParams([{ path: '', message: reason }]);
  const parsed = schema.safeParse(params ?? {});
  if (parsed.success) return parsed.data;
  throw WireError.invalidParams(parsed.error.issues.slice(0, MAX_ISSUES).map(toIssue));
}

function toIssue(issue: z.core.$ZodIssue): Issue {
  return { path: cut(issue.path.map(String).join('.')), message: cut(issue.message) };
}

function cut(text: string): string {
  return text.length <= MAX_ISSUE_TEXT ? text : `${text.slice(0, MAX_ISSUE_TEXT)}…`;
}
