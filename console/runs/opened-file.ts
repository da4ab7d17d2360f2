import { signal } from '@preact/signals';
import type { RecordedTurnLog } from '../../protocol/recording.ts';
import { count } from '../format.ts';

/** A turn that was read from a file. It is in this page alone: a reload forgets it. */
export interface OpenedFile {
  name: string;
  log: RecordedTurnLog;
}

export const openedFile = signal<OpenedFile | undefined>(undefined);

/** The largest file that is read. */
export const MAX_FILE_MIB = 64;

/** Opens a turn's file. Nothing of it leaves the page. @returns why it is none. */
export async function openFile(file: File): Promise<string | undefined> {
  if (file.size > MAX_FILE_MIB * 1_048_576)
    return `The file has ${count(Math.ceil(file.size / 1_048_576))} MiB; ${MAX_FILE_MIB} are the most that is read.`;
  try {
    const [{ readTurnFile }, text] = await Promise.all([import('./turn-file.ts'), file.text()]);
    const read = readTurnFile(text);
    if ('problem' in read) return read.problem;
    openedFile.value = { name: file.name, log: read.log };
    return undefined;
  } catch (error) {
    return `The file could not be read: ${error instanceof Error ? error.message : String(error)}.`;
  }
}
