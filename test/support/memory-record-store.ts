import type { RecordStore, StoredTurn } from '../../protocol/record-store.ts';

/** A store of recorded turns that outlives a broker and not this process; it can be full. */
export class MemoryRecordStore implements RecordStore {
  readonly turns = new Map<string, string[]>();
  state: RecordStore['state'] = 'ok';
  isFull = false;
  /** So many lines of a write have room before it is full. */
  hasRoomFor = 0;
  writes = 0;

  async *load(): AsyncGenerator<StoredTurn> {
    for (const [turnId, lines] of [...this.turns].sort()) yield { turnId, lines: [...lines] };
  }

  async write(turnId: string, lines: readonly string[], isWhole: boolean): Promise<boolean> {
    this.writes += 1;
    this.state = this.isFull ? 'degraded' : 'ok';
    // What is written as a whole is there as a whole, or not at all.
    if (this.isFull && (isWhole || this.hasRoomFor === 0)) return false;
    const written = this.isFull ? lines.slice(0, this.hasRoomFor) : lines;
    this.turns.set(turnId, [...(isWhole ? [] : (this.turns.get(turnId) ?? [])), ...written]);
    return !this.isFull;
  }

  async remove(turnId: string): Promise<void> {
    this.turns.delete(turnId);
  }
}
