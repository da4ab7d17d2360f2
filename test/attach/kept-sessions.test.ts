import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeptSessions } from '../../attach/acp/kept-sessions.ts';
import type { KeptSession, SessionStore } from '../../attach/attached.ts';
import { fileSessionStore } from '../../daemon/session-store.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { AcpScene } from './acp-scene.ts';

const place = (id: string) => ({ agent_session_id: id, cwd: '/' });

/** Keeps what it is given, and how often. */
class Shelf implements SessionStore {
  saved: (readonly KeptSession[])[] = [];
  held: Promise<void> = Promise.resolve();
  before: KeptSession[] = [];
  load = () => this.before;
  save = async (sessions: readonly KeptSession[]) => {
    this.saved.push(sessions);
    await this.held;
  };
}

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe('the sessions of an agent', () => {
  it('are so many, the one that was used longest ago goes first', async () => {
    const shelf = new Shelf();
    shelf.before = ['a', 'b', 'c'].map((session_id) => ({ session_id, ...place(session_id) }));
    const kept = new KeptSessions({ agentId: 'a1', log: quiet, sessions: shelf }, 2);
    expect(kept.get('a')).toBe(undefined);
    kept.put('b', place('b'));
    kept.put('d', place('d'));
    await kept.close();
    // That one was used again is kept with what is new, and for nothing else.
    expect(shelf.saved).toEqual([
      [
        { session_id: 'b', ...place('b') },
        { session_id: 'd', ...place('d') },
      ],
    ]);
  });

  it('that change while others are written are written next, all at once; what cannot be kept is said', async () => {
    const words: string[] = [];
    const shelf = new Shelf();
    shelf.held = Promise.reject(new Error('the disk is full'));
    const log = { ...quiet, warn: (_: object, said: string) => void words.push(said) };
    const kept = new KeptSessions({ agentId: 'a1', log, sessions: shelf }, 10);
    for (const id of ['a', 'b', 'c']) kept.put(id, place(id));
    await kept.close();
    expect(shelf.saved.map(({ length }) => length)).toEqual([1, 3]);
    expect(words).toEqual(Array(2).fill('sessions of an attached agent are not kept'));
  });

  it('that cannot be read begin anew, and what is there stays', async () => {
    const shelf = new Shelf();
    shelf.load = () => {
      throw new Error('sessions.json is malformed');
    };
    const kept = new KeptSessions({ agentId: 'a1', log: quiet, sessions: shelf }, 10);
    kept.put('a', place('a'));
    await kept.close();
    expect(kept.get('a')).toEqual(place('a'));
    expect(shelf.saved).toEqual([]);
  });
});

describe('a session that another run began', () => {
  const home = () => fileSessionStore(join(temporaryDirectory(), 'home'), 'a1');
  const session = { sessionId: 'one' };

  it('is taken up again where the agent can, with what was said before', async () => {
    const store = home();
    const first = await AcpScene.start({ resume: true }, {}, store);
    const begun = await first.chat([['tell', 'pid']], session).text();
    await first.join.close();
    const [kept] = store.load();
    expect(kept).toMatchObject({ session_id: 'one', agent_session_id: `s${begun}-1` });
    const second = await AcpScene.start({ resume: true }, { cwd: kept?.cwd }, store);
    expect(await second.chat([['tell', 'isResumed']], session).text()).toBe('true');
    expect(second.heard().find((line) => line.startsWith('session/resume'))).toContain(`"s${begun}-1"`);
  });

  it('of an agent that cannot › begins anew, and says so once', async () => {
    const store = home();
    const first = await AcpScene.start({}, {}, store);
    await first.chat([['say', 'x']], session).text();
    await first.join.close();
    const second = await AcpScene.start({}, {}, store);
    const anew = { kind: 'notice', severity: 'warning', title: 'the agent starts this conversation anew' };
    expect(await second.events([['say', 'x']], session)).toContainEqual(anew);
    expect(await second.events([['say', 'x']], session)).not.toContainEqual(anew);
  });

  it('works where it did only as long as the operator allows that', async () => {
    const store = home();
    const cwd = temporaryDirectory();
    await store.save([]).catch(() => store.load());
    await store.save([{ session_id: 'one', agent_session_id: 's', cwd }]);
    const place = async (settings: object) => {
      const scene = await AcpScene.start({ resume: true }, settings, store);
      return JSON.parse(await scene.chat([['tell', 'cwd']], session).text());
    };
    expect(await place({ root: cwd, cwd: tmpdir() })).toBe(cwd);
    expect(await place({ cwd: tmpdir() })).toBe(tmpdir());
  });
});
