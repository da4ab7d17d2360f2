import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemFiles } from '../../../../turn-journal/files.ts';
import { readJournal } from '../../../../turn-journal/read-journal.ts';
import { own } from '../../../e2e/support/cleanup.ts';
import type { Random } from '../random.ts';

const MIB = 1024 * 1024;
/** Less than the journal would like to fill ahead: it grows. */
const DISK_MIB = 48;

/** A journal's directory that can be full: a file system of its own, or, where none may be mounted, a limit of the daemon's process. */
export class SmallDisk {
  readonly way: 'tmpfs' | 'rlimit';
  readonly #ballast: string;
  #limited: number | undefined;

  private constructor(directory: string, way: 'tmpfs' | 'rlimit') {
    this.way = way;
    // Not a segment's name: the journal leaves it alone.
    this.#ballast = join(directory, 'ballast');
  }

  /** @param home of a daemon that was not started yet. */
  static under(home: string): SmallDisk {
    const directory = join(home, 'journal');
    mkdirSync(directory, { mode: 0o700 });
    try {
      const options = `size=${DISK_MIB}m,mode=0700`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { stdio: 'pipe' });
    } catch {
      console.log('no tmpfs can be mounted here: RLIMIT_FSIZE of the daemon stands for a full disk');
      return new SmallDisk(directory, 'rlimit');
    }
    own(() => execFileSync('umount', ['-l', directory]));
    return new SmallDisk(directory, 'tmpfs');
  }

  /** From now on nothing more can be written. */
  async fill(pid: number): Promise<void> {
    if (this.way === 'rlimit') {
      this.#limited = pid;
      execFileSync('prlimit', ['--pid', String(pid), '--fsize=1:']);
      return;
    }
    const file = await open(this.#ballast, 'a');
    try {
      for (let size = MIB; size >= 1; size = size > 1 ? size / 4 : 0) {
        const some = Buffer.alloc(size);
        while ((await file.write(some).catch(() => ({ bytesWritten: 0 }))).bytesWritten === size);
      }
    } finally {
      await file.close();
    }
  }

  /** There is room again. */
  empty(): void {
    if (this.#limited !== undefined) execFileSync('prlimit', ['--pid', String(this.#limited), '--fsize=unlimited:']);
    this.#limited = undefined;
    rmSync(this.#ballast, { force: true });
  }
}

/**
 * Cuts the last segment of a journal that nobody writes at a random byte, as a power cut may: behind all that its last block says was on
 * disk when it was written. @returns how many bytes of blocks that has cost; 0 where all was on disk
 */
export async function cutTail(directory: string, random: Random): Promise<number> {
  const blocks: { path: string; at: number; size: number; lsn: number; synced: number }[] = [];
  await readJournal(systemFiles, directory, false, (block, at, { lsn, synced }, { path }) => {
    blocks.push({ path, at, size: block.length, lsn, synced });
  });
  const last = blocks.at(-1);
  if (!last) return 0;
  const first = blocks.find(({ path, lsn }) => path === last.path && lsn > last.synced) ?? last;
  const end = last.at + last.size;
  const cut = first.at + random.int(end - first.at);
  truncateSync(last.path, cut);
  return end - cut;
}

/** Copies what a daemon, which may be writing, has of its journal into another home. @returns so many bytes */
export function copyJournal(home: string, other: string): number {
  const [from, to] = [join(home, 'journal'), join(other, 'journal')];
  mkdirSync(to, { mode: 0o700 });
  const names = () =>
    readdirSync(from)
      .filter((name) => name.endsWith('.seg'))
      .sort();
  // A file may go, or get another name, meanwhile: then it is copied once more.
  for (let before = ''; ; ) {
    const there = names();
    if (there.join() === before) break;
    before = there.join();
    for (const name of readdirSync(to)) rmSync(join(to, name));
    for (const name of there) if (existsSync(join(from, name))) cpSync(join(from, name), join(to, name));
  }
  return readdirSync(to).reduce((bytes, name) => bytes + statSync(join(to, name)).size, 0);
}
