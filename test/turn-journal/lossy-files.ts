import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type JournalFiles, systemFiles } from '../../turn-journal/files.ts';

/** What was written to one file, and is perhaps not on disk. */
interface Unsynced {
  at: number;
  bytes: Buffer;
}

/** A file as the disk has it. */
class OnDisk {
  /** How it was called first. */
  readonly name: string;
  image: Buffer = Buffer.alloc(0);
  unsynced: Unsynced[] = [];

  constructor(name: string) {
    this.name = name;
  }
}

/** The system's files, with what a power cut would leave of them, and with faults when they are asked for. */
export class LossyFiles implements JournalFiles {
  readonly #byFile = new Map<number, OnDisk>();
  /** By path: as a program sees it now. */
  #names = new Map<string, OnDisk>();
  /** As the disk has it. */
  #kept = new Map<string, OnDisk>();
  /** So many bytes can still be written; beyond that the disk is full. */
  left = Number.POSITIVE_INFINITY;
  /** The next syncs of files fail. */
  failingSyncs = 0;
  /** Of which files a sync failed, by their first names. */
  readonly failed: string[] = [];
  /** How often each was written or synced. */
  readonly touched = new Map<string, number>();

  list: JournalFiles['list'] = (directory) => systemFiles.list(directory);
  size: JournalFiles['size'] = (path) => systemFiles.size(path);
  openRead: JournalFiles['openRead'] = (path) => systemFiles.openRead(path);
  read: JournalFiles['read'] = (file, bytes, at) => systemFiles.read(file, bytes, at);

  async room(): Promise<number> {
    return this.left;
  }

  async create(path: string): Promise<number> {
    this.#demand(1);
    const file = await systemFiles.create(path);
    const made = new OnDisk(path);
    this.#names.set(path, made);
    this.#byFile.set(file, made);
    return file;
  }

  async open(path: string): Promise<number> {
    const file = await systemFiles.open(path);
    this.#byFile.set(file, this.#of(path));
    return file;
  }

  async write(file: number, bytes: Buffer, at: number): Promise<void> {
    this.#demand(bytes.length);
    this.#note(file, bytes, at);
    await systemFiles.write(file, bytes, at);
  }

  writeNow(file: number, bytes: Buffer, at: number): number {
    const length = Math.min(bytes.length, Math.max(0, this.left));
    if (length === 0) throw full();
    this.left -= length;
    const some = bytes.subarray(0, length);
    this.#note(file, some, at);
    return systemFiles.writeNow(file, some, at);
  }

  async sync(file: number): Promise<void> {
    const made = this.#byFile.get(file);
    const written = made?.unsynced.length ?? 0;
    this.#touch(made);
    if (this.failingSyncs > 0) {
      this.failingSyncs -= 1;
      this.failed.push(made?.name ?? '');
      // As Linux does: what was not written is let go of, and the next sync would know nothing of it.
      throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' });
    }
    await systemFiles.sync(file);
    if (!made) return;
    for (const write of made.unsynced.splice(0, written)) made.image = overwrite(made.image, write);
  }

  async syncDirectory(path: string): Promise<void> {
    const names = new Map(this.#names);
    await systemFiles.syncDirectory(path);
    this.#kept = names;
  }

  async truncate(file: number, length: number): Promise<void> {
    this.truncateNow(file, length);
  }

  truncateNow(file: number, length: number): void {
    systemFiles.truncateNow(file, length);
    const made = this.#byFile.get(file);
    if (!made) return;
    this.left += Math.max(0, made.image.length - length);
    made.image = made.image.subarray(0, length);
    made.unsynced = made.unsynced.flatMap(({ at, bytes }) =>
      at >= length ? [] : [{ at, bytes: bytes.subarray(0, length - at) }],
    );
  }

  close: JournalFiles['close'] = (file) => {
    this.#byFile.delete(file);
    return systemFiles.close(file);
  };

  async rename(from: string, to: string): Promise<void> {
    const made = this.#of(from);
    await systemFiles.rename(from, to);
    this.#names.delete(from);
    this.#names.set(to, made);
  }

  async remove(path: string): Promise<void> {
    await systemFiles.remove(path);
    this.#names.delete(path);
  }

  /**
   * What the disk has if the power fails now: of what was not synced each write may be there, or not, or in part; names are as they
   * were synced, or as they are.
   */
  cutPower(into: string, chance: () => number): void {
    mkdirSync(into, { recursive: true });
    for (const [path, { image, unsynced }] of chance() < 0.5 ? this.#kept : this.#names) {
      let left = image;
      for (const write of unsynced) {
        const luck = chance();
        if (luck < 0.4) continue;
        const length = luck < 0.6 ? Math.floor(write.bytes.length * chance()) : write.bytes.length;
        left = overwrite(left, { at: write.at, bytes: write.bytes.subarray(0, length) });
      }
      writeFileSync(join(into, basename(path)), left, { mode: 0o600 });
    }
  }

  #of(path: string): OnDisk {
    let made = this.#names.get(path);
    if (!made) {
      // It was there before: on disk, that is.
      made = new OnDisk(path);
      made.image = readFileSync(path);
      this.#names.set(path, made);
      this.#kept.set(path, made);
    }
    return made;
  }

  #note(file: number, bytes: Buffer, at: number): void {
    this.#touch(this.#byFile.get(file));
    this.#byFile.get(file)?.unsynced.push({ at, bytes: Buffer.from(bytes) });
  }

  #touch(made: OnDisk | undefined): void {
    if (made) this.touched.set(made.name, (this.touched.get(made.name) ?? 0) + 1);
  }

  #demand(length: number): void {
    if (length > this.left) throw full();
    this.left -= length;
  }
}

const full = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

function overwrite(image: Buffer, { at, bytes }: Unsynced): Buffer {
  const length = Math.max(image.length, at + bytes.length);
  const result = Buffer.alloc(length);
  image.copy(result);
  bytes.copy(result, at);
  return result;
}
