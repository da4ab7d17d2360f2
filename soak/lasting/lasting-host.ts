import { setTimeout as pause } from 'node:timers/promises';
import { type Chat, connectHost, type Host, RpcError } from '../../client/node.ts';
import type { Fields } from '../load/client.ts';
import type { Ledger } from '../load/ledger.ts';
import type { Random } from '../load/random.ts';
import { type Script, TOOL } from '../load/script.ts';
import { TurnCheck } from '../load/turn-check.ts';
import type { Deaths } from './deaths.ts';
import { BACK } from './lasting-agent.ts';

/** How long a turn may take, with everything that befalls it. Milliseconds. */
const TURN_WITHIN = 180_000;
/** Until an approval is answered once more that could not be. Milliseconds. */
const AGAIN_MS = 200;
/** Longest that a tool works. Milliseconds. */
const TOOL_MS = 400;
/** So many calls of tools are remembered, to see that none runs twice. */
const MOST_CALLS = 50_000;

/** Answers to a chat whose agent is not there, or has not acknowledged it. */
const UNLUCKY: ReadonlySet<number> = new Set([-32011, -32012, -32013]);
/** Endings that the death of a daemon without a journal explains. */
const LOST: ReadonlySet<string> = new Set(['agent_disconnected', 'agent_replaced']);

/** A host of the SDK: it comes back by itself, and judges what its chats come to. */
export class LastingHost {
  readonly #host: Host;
  readonly #ledger: Ledger;
  readonly #deaths: Deaths;

  private constructor(host: Host, ledger: Ledger, deaths: Deaths) {
    this.#host = host;
    this.#ledger = ledger;
    this.#deaths = deaths;
  }

  /** @param place `home` is where its token is looked up, anew each time: a daemon that was started again has another. */
  static async connect(
    place: { url: string; home: string },
    ledger: Ledger,
    deaths: Deaths,
    random: Random,
  ): Promise<LastingHost> {
    const host = await connectHost({ ...place, env: {}, reconnect: BACK });
    const { durable } = (await host.request('server.handshake', { protocol_version: 3 })) as { durable?: string };
    deaths.isDurable = durable !== undefined && durable !== 'off';
    const ran = new Set<string>();
    await host.tool(TOOL, {}, async (args, { actionId }) => {
      if (ran.has(actionId)) ledger.breach(`a tool ran twice for ${actionId}`);
      ran.add(actionId);
      if (ran.size > MOST_CALLS) ran.delete([...ran][0] as string);
      await pause(random.between(0, TOOL_MS));
      ledger.count('tool calls that last');
      return { nonce: (args as Fields).nonce };
    });
    return new LastingHost(host, ledger, deaths);
  }

  /** It has a connection: what it asks for now was sent, whatever becomes of that. */
  get isThere(): boolean {
    return this.#host.status === 'ready';
  }

  close(): Promise<void> {
    return this.#host.close();
  }

  /** One chat, to whatever end it comes. */
  async chat(agentId: string, script: Script): Promise<void> {
    const before = this.#deaths.count;
    const check = new TurnCheck(script.nonce, { cancelled: false, codes: LOST });
    const chat = this.#host.chat(agentId, JSON.stringify(script), { resumable: true });
    const late = setTimeout(() => {
      this.#ledger.breach(`${script.nonce} has not ended within ${TURN_WITHIN} ms, after ${check.seq} events`);
      void chat.cancel().catch(() => {});
    }, TURN_WITHIN);
    let failure: unknown;
    try {
      for await (const event of chat) this.#heard(chat, check, script, event);
    } catch (error) {
      failure = error;
    }
    clearTimeout(late);
    const isOverDeath = this.#deaths.count > before;
    if (check.ending === 'stop') {
      this.#ledger.count(isOverDeath ? 'turns that outlived the daemon' : 'turns that last');
      return;
    }
    if (isOverDeath && !this.#deaths.isDurable) {
      this.#ledger.count('turns that went with the daemon');
      return;
    }
    // Its agent is not back yet, or was kept waiting by this machine: nothing has begun.
    if (failure instanceof RpcError && UNLUCKY.has(failure.code) && check.seq === 0) {
      this.#ledger.count(`chats that last, refused: ${failure.code}`);
      return;
    }
    this.#ledger.breach(`${script.nonce} was lost after ${check.seq} events: ${failure ?? check.ending}`);
  }

  #heard(chat: Chat, check: TurnCheck, { nonce }: Script, event: Fields): void {
    this.#ledger.count('events');
    const { kind, seq, approval_id: id } = event;
    if (kind === 'agent_away' || kind === 'agent_back') {
      this.#ledger.count(kind);
      return;
    }
    // What the SDK's agent says of its approvals tells no place in the text.
    const placed = kind.startsWith('approval_') ? { ...event, at: check.pieces } : event;
    const wrong = check.event(placed);
    if (wrong !== undefined) this.#ledger.breach(`${nonce}: ${wrong}, at ${seq}`);
    if (check.sentAt > 0) this.#ledger.arrived(check.sentAt);
    if (kind === 'approval_pending') void this.#approve(chat, check, id);
  }

  /** Until it has counted, or there is nothing more to answer. */
  async #approve(chat: Chat, check: TurnCheck, id: string): Promise<void> {
    while (check.ending === undefined) {
      const isDone = await chat.approve(id, true).catch(() => false);
      if (isDone) {
        this.#ledger.count('approvals that last');
        return;
      }
      await pause(AGAIN_MS);
    }
  }
}
