import { z } from 'zod';
import type { KeyRecord, KeyStore } from '../actors/connection/key-store.ts';
import { keyRow } from '../protocol/keys.ts';
import { hashText, recordFile } from './record-file.ts';

const momentText = z.iso.datetime('expected a moment, like 2030-01-31T12:00:00.000Z');

/** As a key is told of, with the hashes of its token, and of the one before it. */
const record = keyRow.omit({ connections: true, previous_until: true }).extend({
  token_hash: hashText,
  created_at: momentText,
  expires_at: momentText.optional(),
  last_used_at: momentText.optional(),
  previous: z.object({ token_hash: hashText, until: momentText }).optional(),
});

/** Keeps keys in a {@link recordFile}, as hashes: `$SWITCHBOARD_HOME/keys.json` (`docs/protocol.md#keys`). */
export function fileKeyStore(path: string): KeyStore {
  return recordFile<KeyRecord>({ path, member: 'keys', record, idOf: ({ tenant, name }) => `${tenant}/${name}` });
}
