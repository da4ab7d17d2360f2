import { connectHost } from '../../../client/node.ts';
import { own } from '../../e2e/support/cleanup.ts';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { attach } from './chatting.ts';

/** A text that means ill: it turns around, hides, and is a page of its own. */
const HOSTILE = '‮<b onclick=alert(1)>egpj</b>\u200b  שלום עולם';

/**
 * Has turns recorded, one behind the other, so that their order is known: `say N` is answered by `coder`; each third one calls `grep`,
 * of which each second call fails; each fifth waits for a person, who approves; each seventh fails, and the last is live.
 *
 * @returns each turn's id, in that order, and what ends the live one.
 */
export async function recordTurns(daemon: Daemon, count: number): Promise<{ ids: string[]; end(): void }> {
  let waits = () => {};
  const isLive = new Promise<void>((resolve) => {
    waits = resolve;
  });
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  await attach(daemon, 'coder', async (turn) => {
    const number = Number(/\d+/.exec(turn.prompt)?.[0] ?? 0);
    turn.token(`The answer to ${number} `);
    if (number % 3 === 0) {
      const query = number % 2 === 0 ? 'missing' : 'there';
      await turn.tools.call('grep', { query }).catch(() => {});
    }
    if (number % 5 === 0) await turn.requestApproval({ approvalId: `ok-${number}`, tool: 'write', params: { number } });
    if (number % 7 === 0) throw new Error(number === 7 ? HOSTILE : 'no match in the model');
    if (number === count) await ended;
    turn.token('is forty-two.');
  });
  const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
  own(() => host.close());
  await host.tool('grep', { description: 'Looks for a text' }, (args) => {
    if ((args as { query?: unknown }).query === 'missing') throw new Error('no match');
    return { lines: ['one'] };
  });
  const ids: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    const chat = host.chat('coder', number === 2 ? `say 2 ${HOSTILE}` : `say ${number}`);
    const read = async () => {
      for await (const event of chat) {
        ids[number - 1] = event.turn_id;
        if (event.kind === 'approval_pending') await chat.approve(event.approval_id, true);
        if (number === count) waits();
      }
    };
    if (number < count) await read();
    else void read();
  }
  await isLive;
  return { ids, end };
}
