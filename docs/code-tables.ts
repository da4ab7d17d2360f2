import { CloseCode, closeReason } from '../protocol/close-codes.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { ERROR_MEANINGS } from './error-meanings.ts';
import { code, markdownTable } from './markdown.ts';

/** Every error code. */
export function errorTable(): string {
  const rows = Object.entries(ErrorCode).map(([name, number]) => {
    const { when, data = '', reservedFor } = ERROR_MEANINGS[name as keyof typeof ErrorCode];
    return [code(String(number)), name, reservedFor ? `${when} *Not sent yet: for ${reservedFor}.*` : when, data];
  });
  return markdownTable(['Code', 'Name', 'When', 'In `data`'], rows);
}

/** Every close code, with what its declaration says. */
export function closeCodeTable(comments: ReadonlyMap<string, string>): string {
  const rows = Object.entries(CloseCode).map(([name, number]) => [
    code(String(number)),
    name,
    closeReason(number) && code(closeReason(number)),
    explained(comments, name),
  ]);
  return markdownTable(['Code', 'Name', 'Reason text', ''], rows);
}

/** Every default limit, with what its declaration says. */
export function limitTable(comments: ReadonlyMap<string, string>): string {
  const rows = Object.entries(DEFAULT_LIMITS).map(([name, value]) => [
    code(name),
    amount(name, value),
    explained(comments, name),
  ]);
  return markdownTable(['Limit', 'Default', ''], rows);
}

function amount(name: string, value: number): string {
  const grouped = value.toLocaleString('en-US');
  if (name.endsWith('Ms')) return `${grouped} ms`;
  if (!name.endsWith('Bytes')) return grouped;
  return `${grouped} (${value < 1024 ** 2 ? `${value / 1024} KiB` : `${value / 1024 ** 2} MiB`})`;
}

function explained(comments: ReadonlyMap<string, string>, name: string): string {
  const comment = comments.get(name);
  if (comment === undefined) throw new Error(`${name} has no comment where it is declared`);
  return comment;
}
