import type { z } from 'zod';
import { readAbsent } from './absent.ts';
import { MAX_ISSUES } from './bounds.ts';
import { type Issue, WireError } from './errors.ts';
import { unwritable } from './json.ts';

/** Characters of one issue's path, and of its message: a message may name keys of the sender's, all of them. */
const MAX_ISSUE_TEXT = 256;

/**
 * Checks a request's parameters against its schema (`wire.md` section 2). As the head of that page has it, `null` reads as
 * absent where a member may be, and `[]` as `{}` where a method takes no array.
 * @throws {WireError} `-32602`, naming every offending field, twenty at most.
 */
export function parseParams<T>(schema: z.ZodType<T>, params: unknown): T {
  const reason = unwritable(params);
  if (reason !== undefined) throw WireError.invalidParams([{ path: '', message: reason }]);
  const parsed = read(schema, params ?? {});
  if (parsed.success) return parsed.data;
  // Some libraries write that they have no parameters as an array without elements.
  if (Array.isArray(params) && params.length === 0) {
    const asObject = read(schema, {});
    if (asObject.success) return asObject.data;
    throw WireError.invalidParams(asObject.error.issues.slice(0, MAX_ISSUES).map(toIssue));
  }
  throw WireError.invalidParams(parsed.error.issues.slice(0, MAX_ISSUES).map(toIssue));
}

function read<T>(schema: z.ZodType<T>, params: unknown) {
  return schema.safeParse(readAbsent(schema, params));
}

function toIssue(issue: z.core.$ZodIssue): Issue {
  return {
    path: cut(issue.path.map(String).join('.')),
    message: cut(issue.message.replace('received bigint', 'received an integer beyond 2^53')),
  };
}

function cut(text: string): string {
  return text.length <= MAX_ISSUE_TEXT ? text : `${text.slice(0, MAX_ISSUE_TEXT)}…`;
}
