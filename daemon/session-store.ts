import { join } from 'node:path';
import { z } from 'zod';
import type { KeptSession, SessionStore } from '../attach/attached.ts';
import { sessionId } from '../protocol/ids.ts';
import { makeOwnDirectory, makePrivateDirectory } from './directory.ts';
import { recordFile } from './record-file.ts';

/** Longest id that a program gives a session. Characters. */
const MAX_ID = 4_096;
/** Longest path that one works in. Characters. */
const MAX_PATH = 4_096;

const record = z.object({
  session_id: sessionId,
  agent_session_id: z.string().max(MAX_ID),
  cwd: z.string().max(MAX_PATH),
});

/**
 * Keeps the sessions of an attached agent in a {@link recordFile}: `attached/ID.json` in a home directory, mode 0600
 * (`docs/agents.md`). The directories are made where they are missing; `load` throws where they, or the file, are not ours alone.
 */
export function fileSessionStore(home: string, agentId: string): SessionStore {
  const directory = join(home, 'attached');
  const file = recordFile<KeptSession>({
    path: join(directory, `${agentId}.json`),
    member: 'sessions',
    record,
    danger: 'agents go on where it says',
    idOf: ({ session_id }) => session_id,
  });
  return {
    load() {
      makeOwnDirectory(home, 'see that all that is in it is yours');
      makePrivateDirectory(directory);
      return file.load();
    },
    // What would make the file one that cannot be read again is left out.
    save: (sessions) => file.save(sessions.filter((session) => record.safeParse(session).success)),
  };
}
