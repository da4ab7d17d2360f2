import { setImmediate as nextRound } from 'node:timers/promises';
import { Journal, type JournalOptions } from '../journal/journal.ts';
import { parseJson } from '../protocol/parse-json.ts';
import { deleteRecord, forgetRecord, Kind, putRecord, readRecord } from './fact-records.ts';
import { type Fact, type FactStore, takeSome } from './fact-store.ts';
import { type Entry, FactTable, idBytes } from './fact-table.ts';

/** What may be void of the files, beyond as much as is not. Bytes. */
const SLACK = 8 * 1024 * 1024;
/** What is read at once of facts that lie side by side. Bytes. */
const WINDOW = 64 * 1024;
/** What a fact takes in a journal besides its JSON and its owner's name. Bytes. */
const FACT_BYTES = 23;

/**
 * Keeps facts in a {@link Journal} in a directory that is there already, and in memory where in it each of them is. A
 * write resolves when it is synced to disk, and a crash at any moment leaves the whole of what was written before. Who is
 * forgotten has no facts from that moment on, whatever happens then.
 *
 * What is void goes by and by: while it is more than what is not, what still holds of the oldest segment is written anew
 * behind everything else, and the segment is removed. So the files take at most twice what is kept, and two segments.
 * @throws whatever {@link Journal} says of a directory that it cannot use.
 */
export function journalFactStore(directory: string, options: JournalOptions = {}): FactStore {
  const tables = new Map<string, FactTable>();
  /** Facts that are being deleted: what is written anew of them now would be there again. */
  const leaving = new Set<string>();
  /** How many facts are in each segment. */
  const population = new Map<number, number>();
  let live = 0;

  const count = (owner: string, { place, length }: Entry, sign: 1 | -1) => {
    live += sign * (length + Buffer.byteLength(owner) + FACT_BYTES);
    const segment = Journal.segmentOf(place);
    population.set(segment, (population.get(segment) ?? 0) + sign);
  };
  const set = (owner: string, id: Buffer, entry: Entry) => {
    const table = tables.get(owner) ?? new FactTable();
    tables.set(owner, table);
    const before = table.get(id);
    if (before) count(owner, before, -1);
    table.set(id, entry);
    count(owner, entry, 1);
  };
  const remove = (owner: string, id: Buffer) => {
    const table = tables.get(owner);
    const entry = table?.get(id);
    if (!table || !entry) return;
    table.delete(id);
    count(owner, entry, -1);
    if (table.size === 0) tables.delete(owner);
  };
  const removeAll = (owner: string) => {
    for (const entry of tables.get(owner)?.entries() ?? []) count(owner, entry, -1);
    tables.delete(owner);
  };

  const journal = new Journal(
    directory,
    (record, place) => {
      const { kind, owner, id, textAt } = readRecord(record);
      if (kind === Kind.Put) set(owner, id, { place: place + textAt, length: record.length - textAt });
      else if (kind === Kind.Delete) remove(owner, id);
      else if (kind === Kind.Forget) removeAll(owner);
      else throw new Error(`${directory} was written by a later version`);
    },
    options,
  );

  /** Writes a record of the oldest segment anew, where it still holds. */
  const move = async (record: Buffer, place: number): Promise<void> => {
    const { kind, owner, id, textAt } = readRecord(record);
    const isThere = () => tables.get(owner)?.get(id)?.place === place + textAt;
    if (kind !== Kind.Put || !isThere() || leaving.has(keyOf(owner, id))) return;
    const length = record.length - textAt;
    await journal.append(record, (moved) => {
      if (isThere()) set(owner, id, { place: moved + textAt, length });
    });
  };
  const hasTooMuch = () => journal.bytes - live > Math.max(live, options.segmentBytes ?? SLACK);
  const tidy = async (): Promise<void> => {
    while (!isClosing && journal.oldest !== undefined && hasTooMuch()) {
      const { oldest } = journal;
      let moves: Promise<void>[] = [];
      await journal.readOldest(
        (record, place) => void moves.push(move(record, place)),
        async () => {
          const begun = moves;
          moves = [];
          await Promise.all(begun);
          await nextRound();
        },
      );
      // What was being deleted, and is not.
      if ((population.get(oldest) ?? 0) > 0) return;
      population.delete(oldest);
      journal.removeOldest();
    }
  };
  let isClosing = false;
  let tidying: Promise<void> | undefined;
  /** On a full disk it is tried again behind the next write. */
  const tidyUp = () => {
    if (tidying || isClosing || journal.oldest === undefined || !hasTooMuch()) return;
    tidying = tidy()
      .catch(() => {})
      .finally(() => {
        tidying = undefined;
      });
  };
  tidyUp();

  const factAt = (bytes: Buffer): Fact => parseJson(bytes.toString()) as Fact;
  return {
    get(owner, id) {
      const key = idBytes(id);
      const entry = key && tables.get(owner)?.get(key);
      return entry && factAt(journal.read(entry.place, entry.length));
    },
    count: (owner) => tables.get(owner)?.size ?? 0,
    reader(owner) {
      let after: Buffer | undefined;
      const read = windowed(journal);
      return (limit, maxBytes) => {
        const table = tables.get(owner);
        if (!table) return [];
        const first = after ? table.indexAfter(after) : 0;
        const facts = takeSome(
          factsFrom(table, first, (entry) => factAt(read(entry))),
          limit,
          maxBytes,
        );
        const last = facts.at(-1);
        if (last) after = idBytes(last.id);
        return facts;
      };
    },
    async put(owner, fact) {
      const { record, id, textAt } = putRecord(owner, fact);
      const length = record.length - textAt;
      await journal.append(record, (place) => set(owner, id, { place: place + textAt, length }));
      tidyUp();
    },
    async delete(owner, id) {
      const bytes = idBytes(id);
      if (!bytes) return;
      const key = keyOf(owner, bytes);
      leaving.add(key);
      try {
        await journal.append(deleteRecord(owner, bytes), () => remove(owner, bytes));
      } finally {
        leaving.delete(key);
      }
      tidyUp();
    },
    drop(owner, before) {
      if (!before && !tables.has(owner)) return Promise.resolve();
      journal.appendNow(forgetRecord(owner));
      removeAll(owner);
      tidyUp();
      return Promise.resolve(before).then(() => {});
    },
    bytes: () => live,
    async close() {
      isClosing = true;
      await tidying;
      await journal.close();
    },
  };
}

function keyOf(owner: string, id: Buffer): string {
  return `${id.toString('hex')}${owner}`;
}

function* factsFrom(table: FactTable, first: number, read: (entry: Entry) => Fact): Generator<Fact> {
  for (let index = first; ; index += 1) {
    const entry = table.at(index);
    if (!entry) return;
    yield read(entry);
  }
}

/** Reads what lies side by side in one go. */
function windowed(journal: Journal): (entry: Entry) => Buffer {
  let begin = 0;
  let bytes: Buffer = Buffer.alloc(0);
  return ({ place, length }) => {
    if (place < begin || place + length > begin + bytes.length) {
      begin = place;
      bytes = journal.read(place, Math.max(length, WINDOW));
    }
    return bytes.subarray(place - begin, place - begin + length);
  };
}
