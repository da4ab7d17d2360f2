import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';

/*
 * LMDB maps its file into memory and trusts it: where a page is missing, or is none, the process ends by a signal, and
 * nobody is told. What can be seen before is looked at here. Offsets are those of LMDB's format 2 on 64-bit machines,
 * as in `mdb.c`: `MDB_page`, `MDB_meta`, `MDB_db`, `MDB_node`, `MDB_ovpage`.
 */

const LITTLE = endianness() === 'LE';
const OTHER_FORMAT: readonly string[] = ['arm', 'ia32', 'mips', 'mipsel'];

const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const META_BYTES = 168;
const HEADER_BYTES = 24;
const NODE_BYTES = 8;
/** Flags of pages, and of nodes. */
const [BRANCH, LEAF, META] = [0x01, 0x02, 0x08];
const ON_OTHER_PAGES = 0x01;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

interface Meta {
  readonly pageSize: number;
  /** The first pages of its trees: of free pages, and of what is kept. */
  readonly roots: readonly bigint[];
  readonly lastPage: bigint;
  readonly transaction: bigint;
}

class Damage extends Error {}

/**
 * Looks whether LMDB can use what is in a directory. Not at every page: that would take as long as reading all of it.
 * @throws {Error} with a line for a person that names the file.
 */
export function checkDatabase(directory: string): void {
  for (const name of ['data.mdb', 'lock.mdb']) {
    const file = join(directory, name);
    if (existsSync(file) && !statSync(file).isFile()) throw new Error(`${file} is no file; move it away`);
  }
  const file = join(directory, 'data.mdb');
  if (!existsSync(file) || OTHER_FORMAT.includes(process.arch)) return;
  const descriptor = openSync(file, 'r');
  try {
    checkFile(descriptor, fstatSync(descriptor).size);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw new Error(
      `${file} is damaged (${error.message}); put a copy of it from before in its place, or move it away to begin without any facts`,
    );
  } finally {
    closeSync(descriptor);
  }
}

function checkFile(descriptor: number, size: number): void {
  // LMDB has just made it, and wrote nothing yet.
  if (size === 0) return;
  const first = readMeta(descriptor, 0);
  const second = readMeta(descriptor, first.pageSize);
  const meta = second.transaction > first.transaction ? second : first;
  const pages = BigInt(Math.floor(size / meta.pageSize));
  // It may be shorter than it says where its last pages are free.
  if (pages <= meta.lastPage) new Walk(descriptor, meta.pageSize, pages).through(meta.roots);
}

function readMeta(descriptor: number, at: number): Meta {
  const page = read(descriptor, at, META_BYTES);
  const isMeta = (page.getUint16(18, LITTLE) & META) !== 0 && page.getUint32(24, LITTLE) === MAGIC;
  if (!isMeta) throw new Damage('it is no LMDB database');
  if ((page.getUint32(28, LITTLE) & 0xffff) !== FORMAT) throw new Damage('it is of another version of LMDB');
  const pageSize = page.getUint32(48, LITTLE);
  const isSize = pageSize >= 512 && pageSize <= 65_536 && (pageSize & (pageSize - 1)) === 0;
  if (!isSize) throw new Damage('its pages have no possible size');
  return {
    pageSize,
    roots: [page.getBigUint64(88, LITTLE), page.getBigUint64(136, LITTLE)],
    lastPage: page.getBigUint64(144, LITTLE),
    transaction: page.getBigUint64(152, LITTLE),
  };
}

/** Through all pages of trees, to see that they are there. */
class Walk {
  readonly #descriptor: number;
  readonly #pageSize: number;
  readonly #pages: bigint;
  #seen = 0n;

  constructor(descriptor: number, pageSize: number, pages: bigint) {
    this.#descriptor = descriptor;
    this.#pageSize = pageSize;
    this.#pages = pages;
  }

  through(roots: readonly bigint[]): void {
    const open = roots.filter((root) => root !== NO_PAGE);
    for (let page = open.pop(); page !== undefined; page = open.pop()) open.push(...this.#below(page));
  }

  /** The pages that a page leads to. */
  #below(number: bigint): bigint[] {
    this.#seen += 1n;
    this.#expect(number, 1n);
    // More than there are: one leads back to itself.
    if (this.#seen > this.#pages) throw new Damage('its pages are in disorder');
    const page = read(this.#descriptor, Number(number) * this.#pageSize, this.#pageSize);
    const flags = page.getUint16(18, LITTLE);
    if (page.getBigUint64(0, LITTLE) !== number || (flags & (BRANCH | LEAF)) === 0)
      throw new Damage(`page ${number} is none`);
    const below: bigint[] = [];
    const count = page.getUint16(20, LITTLE) >> 1;
    for (let n = 0; n < count; n += 1) {
      const entry = HEADER_BYTES + 2 * n;
      this.#fits(entry, 2);
      const node = HEADER_BYTES + page.getUint16(entry, LITTLE);
      this.#fits(node, NODE_BYTES);
      const [low, high] = [page.getUint16(node, LITTLE), page.getUint16(node + 2, LITTLE)];
      const nodeFlags = page.getUint16(node + 4, LITTLE);
      if (flags & BRANCH) below.push(BigInt(low) | (BigInt(high) << 16n) | (BigInt(nodeFlags) << 32n));
      else if (nodeFlags & ON_OTHER_PAGES) {
        const data = node + NODE_BYTES + page.getUint16(node + 6, LITTLE);
        this.#fits(data, 8);
        const bytes = HEADER_BYTES + (low | (high << 16));
        this.#expect(page.getBigUint64(data, LITTLE), BigInt(Math.ceil(bytes / this.#pageSize)));
      }
    }
    return below;
  }

  #expect(first: bigint, count: bigint): void {
    if (first + count > this.#pages) throw new Damage('it is shorter than it was');
  }

  #fits(at: number, bytes: number): void {
    if (at + bytes > this.#pageSize) throw new Damage('its pages are in disorder');
  }
}

/** Where nothing is, there are zeros. */
function read(descriptor: number, at: number, bytes: number): DataView {
  const page = new DataView(new ArrayBuffer(bytes));
  readSync(descriptor, page, 0, bytes, at);
  return page;
}
