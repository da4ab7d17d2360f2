import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type JournalFiles, systemFiles } from '../../turn-journal/files.ts';

/** What a program did to a file's content: bytes that it wrote there, or (none) where it cut it short. */
interface Change {
  readonly at: number;
  readonly bytes: Buffer | undefined;
  /** `letGo`: its sync failed. It may be on disk or not, and no later sync brings it there. */
  state: 'unsynced' | 'letGo' | 'synced';
}

/** A file as the disk has it. */
class OnDisk {
  /** How it was called first. */
  readonly name: string;
  image: Buffer = Buffer.alloc(0);
  /** In order, from the first on that may not be on disk. */
  changes: Change[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** What is left of it if the power fails now. */
  left(chance: () => number): Buffer {
    let image = this.image;
    for (const { at, bytes, state } of this.changes) {
      const luck = state === 'synced' ? 1 : chance();
      if (luck < 0.4) continue;
      image = changed(image, at, luck < 0.6 ? bytes?.subarray(0, Math.floor(bytes.length * chance())) : bytes);
    }
    return image;
  }

  /** Those that are to be on disk: told once it is known. */
  sync(): (state: 'letGo' | 'synced') => void {
    const unsynced = this.changes.filter(({ state }) => state === 'unsynced');
    return (state) => {
      for (const change of unsynced) change.state = state;
      while (this.changes[0]?.state === 'synced') {
        const [{ at, bytes }] = this.changes.splice(0, 1) as [Change];
        this.image = changed(this.image, at, bytes);
      }
    };
  }

  copy(): OnDisk {
    const copy = new OnDisk(this.name);
    copy.image = this.image;
    copy.changes = this.changes.map((change) => ({ ...change }));
    return copy;
  }
}

/** A file got this name, or (undefined) nothing has it any more. */
type Naming = readonly [name: string, file: OnDisk | undefined];

/** The system's files, with what a power cut would leave of them, and with faults when they are asked for. */
export class LossyFiles implements JournalFiles {
  readonly #byFile = new Map<number, OnDisk>();
  /** By name: as a program sees it now. */
  #names = new Map<string, OnDisk>();
  /** As the disk has it. */
  #kept = new Map<string, OnDisk>();
  /**
   * What was done to names since, in order. ext4 and xfs log it in that order, apart from what files hold: a later step is never on
   * disk without those before it, and none of them is undone.
   */
  #namings: (readonly Naming[])[] = [];
  /** So many bytes can still be written; beyond that the disk is full. */
  left = Number.POSITIVE_INFINITY;
  /** The next syncs of files fail. */
  failingSyncs = 0;
  /** The next syncs of directories fail. */
  failingNames = 0;
  /** Of which files a sync failed, by their first names. */
  readonly failed: string[] = [];
  /** How often each was written or synced. */
  readonly touched = new Map<string, number>();
  /** Told each time that a sync has ended, or something was done to names. */
  moment: (() => void) | undefined;
  readonly #syncNames: JournalFiles['syncDirectory'];

  constructor(syncNames = systemFiles.syncDirectory) {
    this.#syncNames = syncNames;
  }

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
    this.#name([basename(path), made]);
    this.#byFile.set(file, made);
    return file;
  }

  async open(path: string): Promise<number> {
    const file = await systemFiles.open(path);
    this.#byFile.set(file, this.#of(path));
    return file;
  }

  async write(file: number, bytes: Buffer, at: number): Promise<void> {
    // Where something stands there is room for something else.
    this.#demand(Math.max(0, at + bytes.length - (this.#byFile.get(file)?.left(() => 1).length ?? 0)));
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
    const done = made?.sync();
    this.#touch(made);
    if (this.failingSyncs > 0) {
      this.failingSyncs -= 1;
      this.failed.push(made?.name ?? '');
      // As Linux does: what was not written is let go of, and the next sync would know nothing of it.
      done?.('letGo');
      this.moment?.();
      throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' });
    }
    await systemFiles.sync(file);
    done?.('synced');
    this.moment?.();
  }

  async syncDirectory(path: string): Promise<void> {
    const last = this.#namings.at(-1);
    if (this.failingNames > 0) {
      this.failingNames -= 1;
      throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', syscall: 'fsync' });
    }
    await this.#syncNames(path);
    // Another one, that began later, may have ended before: nothing that is on disk goes back.
    for (const naming of this.#namings.splice(0, last ? this.#namings.indexOf(last) + 1 : 0)) name(this.#kept, naming);
    this.moment?.();
  }

  async truncate(file: number, length: number): Promise<void> {
    this.truncateNow(file, length);
  }

  truncateNow(file: number, length: number): void {
    const made = this.#byFile.get(file);
    const before = made?.left(() => 1).length ?? 0;
    systemFiles.truncateNow(file, length);
    this.left += Math.max(0, before - length);
    made?.changes.push({ at: length, bytes: undefined, state: 'unsynced' });
  }

  close: JournalFiles['close'] = (file) => {
    this.#byFile.delete(file);
    return systemFiles.close(file);
  };

  async rename(from: string, to: string): Promise<void> {
    const made = this.#of(from);
    await systemFiles.rename(from, to);
    this.#name([basename(from), undefined], [basename(to), made]);
  }

  async remove(path: string): Promise<void> {
    await systemFiles.remove(path);
    this.#name([basename(path), undefined]);
  }

  /**
   * What the disk has if the power fails now: of what was not synced each write may be there, or not, or in part; of what was done to
   * names since they were synced, some is there up to a step, and nothing after it.
   */
  cutPower(into: string, chance: () => number): void {
    mkdirSync(into, { recursive: true });
    const names = new Map(this.#kept);
    for (const naming of this.#namings.slice(0, Math.floor(chance() * (this.#namings.length + 1)))) name(names, naming);
    for (const [path, file] of names) writeFileSync(join(into, path), file.left(chance), { mode: 0o600 });
  }

  /**
   * The same disk, where only the program stopped: the system has all that was written, and it is as it was on disk. For the one that
   * comes after it, in a copy of that directory.
   */
  afterKill(directory: string): LossyFiles {
    const after = new LossyFiles();
    const copies = new Map<OnDisk, OnDisk>();
    const copyOf = (file: OnDisk): OnDisk => {
      const copy = copies.get(file) ?? file.copy();
      copies.set(file, copy);
      return copy;
    };
    const copied = ([path, file]: Naming): Naming => [path, file && copyOf(file)];
    after.#kept = new Map([...this.#kept].map(([path, file]) => [path, copyOf(file)]));
    after.#names = new Map([...this.#names].map(([path, file]) => [path, copyOf(file)]));
    after.#namings = this.#namings.map((naming) => naming.map(copied));
    // What the system was doing when the program stopped is done, though nobody was told.
    const there = new Set(readdirSync(directory));
    for (const path of [...after.#names.keys()]) if (!there.has(path)) after.#name([path, undefined]);
    return after;
  }

  #of(path: string): OnDisk {
    let made = this.#names.get(basename(path));
    if (!made) {
      // It was there before: on disk, that is.
      made = new OnDisk(path);
      made.image = readFileSync(path);
      this.#names.set(basename(path), made);
      this.#kept.set(basename(path), made);
    }
    return made;
  }

  #name(...naming: Naming[]): void {
    name(this.#names, naming);
    this.#namings.push(naming);
    this.moment?.();
  }

  #note(file: number, bytes: Buffer, at: number): void {
    const made = this.#byFile.get(file);
    this.#touch(made);
    made?.changes.push({ at, bytes: Buffer.from(bytes), state: 'unsynced' });
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

function name(names: Map<string, OnDisk>, naming: readonly Naming[]): void {
  for (const [path, file] of naming) {
    if (file) names.set(path, file);
    else names.delete(path);
  }
}

function changed(image: Buffer, at: number, bytes: Buffer | undefined): Buffer {
  if (!bytes) return image.subarray(0, at);
  const result = Buffer.alloc(Math.max(image.length, at + bytes.length));
  image.copy(result);
  bytes.copy(result, at);
  return result;
}
