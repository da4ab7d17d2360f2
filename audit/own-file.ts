import { type Place, readRecord } from './chain.ts';
import { TrailFile } from './file.ts';
import type { AuditKey } from './key.ts';

/** An audit file that cannot be gone on with; the message is one line for a person. */
export class AuditFileError extends Error {
  override readonly name = 'AuditFileError';
}

/** A file that records may be added to. */
export interface OwnFile {
  readonly file: TrailFile;
  /** Its last record; undefined where it has none. */
  readonly last: Place | undefined;
  /** Bytes of half a line that were cut off. */
  readonly torn: number;
}

/**
 * Opens an audit file, or makes it. Nothing in it is changed before it is known to be this key's; then half a line that a
 * crash has left is cut off.
 * @param expected where its chain has to stand, unless it is empty; left out, anywhere.
 * @throws AuditFileError where its last line is not this key's, or another one than expected; the system error
 */
export async function openOwn(path: string, key: AuditKey, expected?: Place): Promise<OwnFile> {
  const file = await TrailFile.open(path);
  try {
    const { line, torn } = await file.tail();
    const last = line && readRecord(key, line);
    if (line && !last)
      throw new AuditFileError(
        `${path} ends in a line that this audit key has not made: it is another key's, or was changed; move it away`,
      );
    if (last && expected && last.mac !== expected.mac)
      throw new AuditFileError(
        `${path} ends in record ${last.n}, and record ${expected.n} is the one to go on from: move it away`,
      );
    await file.cutTorn(torn);
    return { file, last, torn };
  } catch (error) {
    await file.close();
    throw error;
  }
}
