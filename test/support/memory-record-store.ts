import type { RecordStore, StoredTurn } from '../../protocol/record-store.ts';

/** A store of recorded turns that outlives a broker and not this process; it can be full. */
export class MemoryRecordStore implements RecordStore {
  readonly turns = new Map<string, string[]>();
  state: RecordStore['state'] = 'ok';
  isFull = false;
  writes = 0;

  async *load(): AsyncGenerator<StoredTurn> {
    for (const [turnId, lines] of [...this.turns].sort()) yield { turnId, lines: [...lines] };
  }

  async write(turnId: string, lines: readonly string[], isWhole: boolean): Promise<boolean> {
    this.writes += 1;
    this.state = this.isFull ? 'degraded' : 'ok';
    if (this.isFull) return false;
    this.turns.set(turnId, [...(isWhole ? [] : (this.turns.get(turnId) ?? [])), ...lines]);
    return true;
  }

  async remove(turnId: string): Promise<void> {
    this.turns.delete(turnId);
  }
}
