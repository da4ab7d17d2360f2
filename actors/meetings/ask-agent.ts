import { v4 as uuid } from 'uuid';
import type { Identity } from '../../machines/connection.machine.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Link } from '../../protocol/link.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { Principal } from '../../protocol/principal.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { GATE } from '../approvals/gate.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';

/** Makes a connection to this very broker, which is this one's and has nothing to prove: the daemon's person's too. */
export type ConnectInside = (identity: Identity) => Link;

/** See {@link ConnectInside}. */
export const CONNECT_INSIDE = key<ConnectInside>('a connection to itself');

/** What is asked, of whom, and in whose name. */
interface Asking {
  owner: Principal;
  /** Which agents exist for whoever wants to know; undefined: all. */
  mayUse: Identity['mayUse'];
  agentId: string;
  prompt: string;
}

/** Who hears what came of it. One of them is called, once. */
interface Asker {
  resolve(text: string): void;
  reject(error: Error): void;
}

/**
 * Asks an agent for a text: a chat like anybody's, on a connection of the broker's own, so that every rule of a turn
 * holds for it too; a gate shows it without the prompt, which is not everybody's. What is longer than `maxSummaryBytes`
 * is cut off; to say nothing is to fail. The function that it gives ends it.
 */
export function askAgent(kernel: Kernel, { owner, mayUse, agentId, prompt }: Asking, asker: Asker): () => void {
  const link = kernel.get(CONNECT_INSIDE)({ role: 'client', principal: owner, ...(mayUse ? { mayUse } : {}) });
  const limit = kernel.limits.maxSummaryBytes;
  const sessionId = `summary-${uuid()}`;
  let text = '';
  let bytes = 0;
  let isOver = false;
  const unhide = kernel.get(GATE).hide(sessionId, prompt, HIDDEN);
  const send = (id: number, method: string, params: object) =>
    link.send(writeJson({ jsonrpc: '2.0', id, method, params }));
  const end = () => {
    isOver = true;
    unhide();
    // Its turn, if it still runs, goes with it.
    link.close(1000, '');
  };
  const settle = (run: () => void) => {
    if (isOver) return;
    end();
    run();
  };
  const reject = (why: string) => settle(() => asker.reject(new Error(why)));
  const resolve = () => {
    if (text.trim() === '') reject('the agent said nothing');
    else settle(() => asker.resolve(cutTo(text, limit)));
  };

  const hear = (event: JsonObject) => {
    if (event.session_id !== sessionId) return;
    if (event.kind === 'token' && typeof event.delta === 'string') {
      text += event.delta;
      bytes += Buffer.byteLength(event.delta);
      if (bytes > limit) resolve();
    } else if (event.kind === 'done') {
      if (event.finish_reason === 'cancelled') return reject('the turn was cancelled');
      if (typeof event.text === 'string' && event.text !== '') text = event.text;
      resolve();
    } else if (event.kind === 'error') reject(`the agent failed: ${String(event.error).slice(0, 128)}`);
    else if (event.kind === 'auth_required') reject('the agent wants somebody to log in');
  };
  link.open({
    text(data) {
      const message: unknown = parseJson(data);
      if (isOver || !isObject(message)) return;
      if (isObject(message.error)) reject(`refused with ${String(message.error.code)}`);
      else if (message.method === 'agents.chat.event' && isObject(message.params)) hear(message.params);
    },
    binary() {},
    closed: () => reject('the broker is stopping'),
  });
  send(CHAT, 'agents.chat', { agent_id: agentId, prompt, session_id: sessionId });
  return () => settle(() => {});
}

/** What a gate shows in place of the prompt. */
const HIDDEN = '[what was said in a meeting]';
const CHAT = 1;

/** @param limit bytes of UTF-8. */
function cutTo(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  return bytes.length <= limit
    ? text
    : bytes
        .subarray(0, limit)
        .toString()
        .replace(/\uFFFD+$/, '');
}
