import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

/** A new folder that {@link removeFolder} or {@link removeFolders} removes. */
export function newFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), name));
  folders.add(folder);
  return folder;
}

/** Removes a folder with all that is in it; once more at the end, for what wrote there may still have been ending. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** Removes all of them. Synchronous: it also runs while this process exits. */
export function removeFolders(): void {
  for (const folder of folders) removeFolder(folder);
}
