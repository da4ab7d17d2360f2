import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** How a body may be packed for its way. */
export type Encoding = 'br' | 'gzip' | 'identity';

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);
/** Of brotli's eleven. The last two would take seconds for a large script, and save a few percent. */
const BROTLI_QUALITY = 9;
/** What the system says of a file that is not there; the last of them of a name that no file can have. */
const MISSING: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);
/** Files that are kept. A console has about a dozen; this is for one that is built anew below a running daemon. */
const MAX_KEPT = 64;

interface Kept {
  /** When the file was last changed, and its size: a file that is built anew is read anew. */
  stamp: string;
  plain: Promise<Buffer>;
  packed: Map<Encoding, Promise<Buffer>>;
}

/** The files of a page: each is read once and packed once for each encoding, and then kept. */
export class PageFiles {
  readonly #kept = new Map<string, Kept>();

  /**
   * A file's bytes, packed. Undefined where there is no such file.
   *
   * @param path - where the file is; the caller's own, never a client's.
   */
  async read(path: string, encoding: Encoding): Promise<Buffer | undefined> {
    const stamp = await stampOf(path);
    if (stamp === undefined) {
      this.#kept.delete(path);
      return undefined;
    }
    let kept = this.#kept.get(path);
    if (kept?.stamp !== stamp) {
      if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
      kept = { stamp, plain: readFile(path), packed: new Map() };
      this.#kept.set(path, kept);
    }
    try {
      return await pack(kept, encoding);
    } catch (error) {
      // Gone between the two looks at it, say: the next one tries again.
      this.#kept.delete(path);
      throw error;
    }
  }
}

function pack({ plain, packed }: Kept, encoding: Encoding): Promise<Buffer> {
  if (encoding === 'identity') return plain;
  let bytes = packed.get(encoding);
  if (bytes === undefined) {
    bytes = plain.then((body) =>
      encoding === 'gzip'
        ? compressGzip(body)
        : compressBrotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    );
    packed.set(encoding, bytes);
  }
  return bytes;
}

async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    // Whatever else it is (no file handle left, say) is no answer to whether there is such a file.
    if (MISSING.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

/** The best encoding that an `Accept-Encoding` header takes. */
export function chooseEncoding(accepted: string | undefined): Encoding {
  const names = new Set<string>();
  for (const item of (accepted ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) names.add(name);
  }
  if (names.has('br')) return 'br';
  return names.has('gzip') ? 'gzip' : 'identity';
}
