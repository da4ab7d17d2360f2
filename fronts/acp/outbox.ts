import type { AgentContext, SessionUpdate } from '@agentclientprotocol/sdk';
import { PatientTimer } from '../../protocol/patience.ts';
import type { AcpDoor } from './door.ts';

/** What an update takes beside its text, at the least. */
const OVERHEAD = 128;
/** Deltas are joined up to this many characters. */
const MAX_JOINED = 64 * 1024;

/** The kinds of text that come in pieces. */
export type ChunkKind = 'agent_message_chunk' | 'agent_thought_chunk';

/**
 * All that one ACP client is sent of its sessions, in order. While it is behind, neighbouring pieces of one text are joined;
 * what waits is bounded as it is for a socket (`docs/protocol.md#9-slow-readers-and-fast-senders`), in characters.
 */
export class Outbox {
  readonly #limits: AcpDoor['limits'];
  readonly #overrun: () => void;
  #waiting = 0;
  #hard: PatientTimer | undefined;
  #joined: { client: AgentContext; sessionId: string; kind: ChunkKind; parts: string[]; length: number } | undefined;

  /** @param overrun the client cannot keep up: its connection is to be closed. */
  constructor(limits: AcpDoor['limits'], overrun: () => void) {
    this.#limits = limits;
    this.#overrun = overrun;
  }

  /** One more piece of a text. */
  chunk(client: AgentContext, sessionId: string, kind: ChunkKind, text: string): void {
    if (text === '') return;
    const joined = this.#joined;
    if (!joined && this.#waiting <= this.#limits.softLimitBytes) {
      this.#send(client, sessionId, { sessionUpdate: kind, content: { type: 'text', text } }, text.length);
      return;
    }
    const isNeighbour = joined?.sessionId === sessionId && joined.kind === kind;
    if (joined && isNeighbour && joined.length + text.length <= MAX_JOINED) {
      joined.parts.push(text);
      joined.length += text.length;
      return;
    }
    this.flush();
    this.#joined = { client, sessionId, kind, parts: [text], length: text.length };
  }

  /** Anything else. */
  update(client: AgentContext, sessionId: string, update: SessionUpdate): void {
    this.flush();
    this.#send(client, sessionId, update, JSON.stringify(update).length);
  }

  /** Sends what is joined: to be called before anything else is said of its session. */
  flush(): void {
    const joined = this.#joined;
    if (!joined) return;
    this.#joined = undefined;
    const { client, sessionId, kind, parts, length } = joined;
    this.#send(client, sessionId, { sessionUpdate: kind, content: { type: 'text', text: parts.join('') } }, length);
  }

  /** The client has gone. */
  stop(): void {
    this.#joined = undefined;
    this.#hard?.stop();
  }

  #send(client: AgentContext, sessionId: string, update: SessionUpdate, length: number): void {
    const size = length + OVERHEAD;
    this.#waiting += size;
    const { cutBytes, hardLimitBytes, hardLimitMs } = this.#limits;
    if (this.#waiting > cutBytes) this.#overrun();
    else if (this.#waiting > hardLimitBytes) this.#hard ??= new PatientTimer(this.#overrun, hardLimitMs);
    // It fails where the client has gone, which the connection tells.
    const sent = () => this.#sent(size);
    client.notify('session/update', { sessionId, update }).then(sent, sent);
  }

  #sent(size: number): void {
    this.#waiting -= size;
    if (this.#waiting <= this.#limits.hardLimitBytes) {
      this.#hard?.stop();
      this.#hard = undefined;
    }
    if (this.#waiting <= this.#limits.softLimitBytes) this.flush();
  }
}
