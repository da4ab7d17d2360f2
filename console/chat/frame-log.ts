import type { Frame } from '../../client/browser.ts';
import { isObject } from '../../protocol/json.ts';

/** Frames that one conversation keeps. */
const KEPT_FRAMES = 500;
/** Characters of frames that one conversation keeps. */
const KEPT_CHARACTERS = 524_288;
/** What is kept of one frame. Characters. */
const FRAME_LIMIT = 16_384;

/** A frame as the page lists it. */
export interface LoggedFrame {
  readonly key: number;
  /** Unix ms. */
  readonly at: number;
  readonly direction: Frame['direction'];
  /** Word for word, a resume token and what is beyond the limit apart. */
  readonly text: string;
}

/** A frame and what it says. */
export interface ParsedFrame extends Frame {
  readonly message: { id?: unknown; method?: unknown; params?: unknown; result?: unknown };
}

/** The newest frames of one session, both directions: its requests, their answers, and everything that names it. */
export class FrameLog {
  readonly #sessionId: string;
  /** Requests of this session that are not answered yet: ours by direction `out`, the broker's by `in`. */
  readonly #asked = { in: new Set<unknown>(), out: new Set<unknown>() };
  /** Tool calls of this session: their progress and their cancel name nothing else. */
  readonly #toolCalls = new Set<unknown>();
  #frames: LoggedFrame[] = [];
  #size = 0;
  #key = 0;
  #version = 0;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  /** Grows with every frame. */
  get version(): number {
    return this.#version;
  }

  /** The newest frames, oldest first. */
  get frames(): readonly LoggedFrame[] {
    return this.#frames;
  }

  /** Keeps a frame where it is one of this session. */
  offer(frame: ParsedFrame, at: number): void {
    if (!this.#isOurs(frame)) return;
    const text = cut(masked(frame));
    this.#frames.push({ key: this.#key++, at, direction: frame.direction, text });
    this.#size += text.length;
    this.#version++;
    while (this.#frames.length > KEPT_FRAMES || (this.#size > KEPT_CHARACTERS && this.#frames.length > 1)) {
      this.#size -= this.#frames.shift()?.text.length ?? 0;
    }
  }

  /** The connection is lost: what was asked on it is answered on no other one, where the same ids may come again. */
  forgetRequests(): void {
    this.#asked.in.clear();
    this.#asked.out.clear();
    this.#toolCalls.clear();
  }

  /** All of them, one a line, as they are copied. */
  toString(): string {
    return this.#frames.map(({ direction, text }) => `${direction === 'in' ? '<' : '>'} ${text}`).join('\n');
  }

  #isOurs({ direction, message: { id, method, params } }: ParsedFrame): boolean {
    // An answer names its request alone, which went the other way.
    if (method === undefined) {
      if (direction === 'out') this.#toolCalls.delete(id);
      return this.#asked[direction === 'in' ? 'out' : 'in'].delete(id);
    }
    if (!isObject(params)) return false;
    const ours =
      params.session_id === this.#sessionId ||
      (params.request_id !== undefined && this.#toolCalls.has(params.request_id));
    if (ours && id !== undefined) {
      this.#asked[direction].add(id);
      if (method === 'tools.execute') this.#toolCalls.add(id);
    }
    return ours;
  }
}

/** A resume token is a key to the turn: it is not put on a screen. */
function masked({ text, message: { result, params } }: ParsedFrame): string {
  return [result, params].reduce<string>((shown, part) => {
    const token = isObject(part) ? part.resume_token : undefined;
    return typeof token === 'string' && token !== '' ? shown.replaceAll(token, '…') : shown;
  }, text);
}

function cut(text: string): string {
  return text.length <= FRAME_LIMIT
    ? text
    : `${text.slice(0, FRAME_LIMIT)}… ${text.length - FRAME_LIMIT} more characters`;
}
