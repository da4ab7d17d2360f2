import { writeJson } from '../protocol/write-json.ts';
import type { Fact } from './fact-store.ts';
import { idBytes } from './fact-table.ts';

/*
 * What is noted of facts, a record each: kind u8 · length of the owner u16 · owner · id, 16 bytes · the fact as JSON.
 * A fact that is deleted has no JSON, an owner who is forgotten neither id nor JSON: what was noted of them before is void.
 */

/** What a record says. */
export const Kind = { Put: 1, Delete: 2, Forget: 3 } as const;

/** A record, taken apart. */
export interface FactRecord {
  kind: number;
  owner: string;
  id: Buffer;
  /** Where in the record the JSON begins. */
  textAt: number;
}

/** @throws {Error} for an id that is no UUID. */
export function putRecord(owner: string, fact: Fact): { record: Buffer; id: Buffer; textAt: number } {
  const id = idBytes(fact.id);
  if (!id) throw new Error('a fact’s id is a UUID');
  const head = headOf(Kind.Put, owner, id);
  return { record: Buffer.concat([head, Buffer.from(writeJson(fact))]), id, textAt: head.length };
}

export function deleteRecord(owner: string, id: Buffer): Buffer {
  return headOf(Kind.Delete, owner, id);
}

export function forgetRecord(owner: string): Buffer {
  return headOf(Kind.Forget, owner, Buffer.alloc(0));
}

export function readRecord(record: Buffer): FactRecord {
  const idAt = 3 + record.readUInt16LE(1);
  const owner = record.toString('utf8', 3, idAt);
  return { kind: record[0] ?? 0, owner, id: record.subarray(idAt, idAt + 16), textAt: idAt + 16 };
}

function headOf(kind: number, owner: string, id: Buffer): Buffer {
  const name = Buffer.from(owner);
  const head = Buffer.alloc(3);
  head.writeUInt8(kind, 0);
  head.writeUInt16LE(name.length, 1);
  return Buffer.concat([head, name, id]);
}
