import type { KeyRow } from '../../protocol/keys.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import type { Note } from '../kernel/audit.ts';
import { key } from '../kernel/key.ts';
import type { KeyRecord } from './key-store.ts';

/** What an embedder may do with keys, as the daemon's own management does. */
export const KEY_CHANGES = key<KeyChanges>('what is done with keys');

/** A key that was made, and its secret. */
export interface Made {
  readonly row: KeyRow;
  readonly token: string;
  /** For the audit. */
  readonly note: Note;
  /** To be called once the store has kept it: who came by what works no more goes. */
  kept(): void;
}

/** What became of a removal. */
export interface Removal {
  /** Whether there was such a key. */
  readonly removed: boolean;
  /** For the audit. */
  readonly note: Note;
  /** To be called once the store has kept that: who came by it goes, and their turns end. */
  kept(): void;
}

/** See {@link KEY_CHANGES}. Each throws a `WireError`, as the method of that name answers one. */
export interface KeyChanges {
  add(params: ParamsOf<'keys.add'>): Made;
  list(params: ParamsOf<'keys.list'>): KeyRow[];
  remove(params: ParamsOf<'keys.remove'>): Removal;
  rotate(params: ParamsOf<'keys.rotate'>): Made;
  /** A key was removed where keys are kept: who came by it here goes. Throws nothing. */
  removed(id: string, record: KeyRecord): void;
  /** It has another token there, say: who came by what works no more goes. Throws nothing. */
  changed(id: string): void;
}
