import { z } from 'zod';
import { parseJson } from '../protocol/parse-json.ts';
import { writeJson } from '../protocol/write-json.ts';
import { replaceFile } from './atomic-file.ts';
import { isSystemError, StartError } from './errors.ts';
import { readOwnFile, refuseForeign } from './own-file.ts';

/** So much of the file is made and written at once, in UTF-16 units, and one record more. */
const PIECE = 64 * 1024;

/** The SHA-256 of a secret, as such a file has it. */
export const hashText = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');

/** What a {@link recordFile} holds. */
export interface RecordFileOptions<T> {
  path: string;
  /** The one member of the file's object, and what its records are called in a message. */
  member: string;
  record: z.ZodType<T>;
  /** What somebody else's file is refused for. Default: who is in it may sign in. */
  danger?: string;
  /** What no two records have in common. */
  idOf(record: T): string;
}

/**
 * Keeps records in a JSON file, `{member: record[]}`, mode 0600. Every save replaces it as a whole, and is on disk when it
 * resolves: whenever the process dies, the file is as it was before, or after.
 *
 * `load` throws a StartError for a file that it cannot read or understand, and leaves it as it is: it may be a person's
 * typing error in all that they have.
 */
export function recordFile<T>(options: RecordFileOptions<T>): {
  load(): T[];
  save(records: readonly T[]): Promise<void>;
} {
  const { path, member, danger = 'who is in it may sign in' } = options;
  return {
    load: () => parse(options, read(path, member, danger)),
    save: (records) => replaceFile(path, textOf(member, records)),
  };
}

/** As `JSON.stringify` writes the whole, piece by piece: nobody waits while ten thousand records become text. */
function* textOf(member: string, records: readonly unknown[]): Generator<string> {
  let piece = `{\n  "${member}": [`;
  for (const [index, record] of records.entries()) {
    piece += `${index === 0 ? '' : ','}\n    ${writeJson(record, 2).replaceAll('\n', '\n    ')}`;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}${records.length === 0 ? '' : '\n  '}]\n}\n`;
}

function read(path: string, member: string, danger: string): string | undefined {
  try {
    const file = readOwnFile(path);
    refuseForeign(path, file, `${danger}: see that all of it is yours`);
    return file.text;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'ENOENT') return undefined;
    throw new StartError(`cannot read the ${member} in ${path}: ${error.code}`);
  }
}

function parse<T>({ path, member, record, idOf }: RecordFileOptions<T>, text: string | undefined): T[] {
  if (text === undefined) return [];
  const malformed = (why: string) => new StartError(`${path} is malformed and was left as it is: ${why}`);
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    // Not the parser's own message: it quotes the text, and over several lines.
    throw malformed('not JSON');
  }
  const all = z
    .array(record)
    .refine((records) => new Set(records.map(idOf)).size === records.length, 'an id is there twice');
  const result = z.object({ [member]: all }).safeParse(value);
  if (result.success) return result.data[member] as T[];
  const issue = result.error.issues[0];
  throw malformed(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`);
}
