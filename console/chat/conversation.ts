import { batch, signal } from '@preact/signals';
import { type Chat, type Host, RpcError, type TerminalEvent } from '../../client/browser.ts';
import { FrameLog } from './frame-log.ts';
import { routeFrames } from './frame-router.ts';
import { nextFrame } from './next-frame.ts';
import { offerPageTool } from './page-tool.ts';
import { Transcript } from './transcript.ts';
import { endOf, endOfError, type TurnEnd, wordsOf } from './turn-end.ts';

/** Where a conversation's turn stands, as this page knows it. */
export type TurnState = 'idle' | 'opening' | 'streaming' | 'cancelling';

/** What goes with a prompt. */
export interface SendOptions {
  /** The agent's model; empty for its own choice. */
  model: string;
  /** Whether the agent is asked to stream. */
  stream: boolean;
  /** Whether the page offers its tool. */
  tool: boolean;
}

/** The end of a turn, and the whole answer where its agent said it there. */
interface Ending {
  end: TurnEnd;
  text?: string | undefined;
}

/** How often raw frames are drawn anew: nobody reads them faster. Milliseconds. */
const FRAMES_PAUSE_MS = 250;

let count = 0;

/** One conversation with one agent: its session, what was said, and the turn that runs. It outlives the page's tab. */
export class Conversation {
  readonly key = ++count;
  /** Follow-up prompts go on in it. */
  readonly sessionId = newSessionId();
  readonly transcript = new Transcript();
  readonly frames = new FrameLog(this.sessionId);
  readonly agentId = signal('');
  readonly options = signal<SendOptions>({ model: '', stream: true, tool: true });
  readonly state = signal<TurnState>('idle');
  /** The turn that runs or ran last, once the agent has taken it. */
  readonly turnId = signal<string | undefined>(undefined);
  /** Events of that turn. */
  readonly events = signal(0);
  /** {@link FrameLog.version}, as of the last drawing. */
  readonly frameVersion = signal(0);
  /** What is read out: the milestones, not each word. */
  readonly announcement = signal('');
  readonly showFrames = signal(false);
  readonly #unroute = routeFrames(this.frames);
  #chat: Chat | undefined;
  #events = 0;
  #scheduled = false;
  /** When the frames were drawn last. */
  #framesAt = 0;
  #closed = false;

  /** Says something to the agent. Only while no turn runs. */
  async send(host: Host, prompt: string): Promise<void> {
    if (this.state.value !== 'idle' || this.agentId.value === '') return;
    this.#events = 0;
    batch(() => {
      this.state.value = 'opening';
      this.turnId.value = undefined;
      this.announcement.value = `Sent to ${this.agentId.value}.`;
    });
    this.transcript.prompt(prompt);
    this.#schedule();
    const { model, stream, tool } = this.options.value;
    try {
      await offerPageTool(host, tool);
      this.#over(await this.#turn(host.chat(this.agentId.value, prompt, this.#wire(model, stream))));
    } catch (error) {
      // The seam for resuming: a turn with a window would be subscribed to again here, once there is a new host.
      this.#over({ end: endOfError(error) });
    }
  }

  /** Ends the turn that runs. */
  async cancel(): Promise<void> {
    if (!this.#chat || this.state.value === 'idle') return;
    const before = this.state.value;
    this.state.value = 'cancelling';
    try {
      await this.#chat.cancel();
    } catch {
      // Where the connection is gone the turn ends by that; otherwise it still runs.
      if (this.state.value === 'cancelling') this.state.value = before;
    }
  }

  /** Answers an approval of the turn that runs. */
  async decide(approvalId: string, approve: boolean): Promise<void> {
    if (!this.#chat) return;
    this.transcript.approval(approvalId, { kind: 'deciding', approve });
    try {
      const resolved = await this.#chat.approve(approvalId, approve);
      if (resolved)
        this.transcript.approval(approvalId, { kind: 'resolved', resolution: approve ? 'approve' : 'deny' });
      else this.#undecided(approvalId, 'The agent did not take the answer.');
    } catch (error) {
      const { message, hint } = error instanceof RpcError ? wordsOf(error) : endOfError(error);
      this.#undecided(approvalId, [message, hint].filter(Boolean).join('. '));
    }
  }

  /** Forgets it; a turn that runs is cancelled. */
  close(): void {
    this.#closed = true;
    this.#unroute();
    void this.#chat?.cancel().catch(() => {});
  }

  #wire(model: string, stream: boolean) {
    return { session_id: this.sessionId, stream, ...(model === '' ? {} : { model }) };
  }

  /** Reads a turn to its end. */
  async #turn(chat: Chat): Promise<Ending> {
    this.#chat = chat;
    // A refusal is read with the events.
    chat.ack.then(({ turn_id }) => this.#accepted(turn_id)).catch(() => {});
    if (this.#closed) void chat.cancel().catch(() => {});
    for await (const event of chat) {
      this.#events++;
      if (event.kind === 'done' || event.kind === 'error' || event.kind === 'auth_required') return endingOf(event);
      this.transcript.event(event);
      if (event.kind === 'approval_pending') {
        this.announcement.value = `${chat.agentId} asks for approval: ${event.action ?? event.tool}.`;
      }
      this.#schedule();
    }
    return { end: { tone: 'quiet', title: 'ended' } };
  }

  #accepted(turnId: string): void {
    batch(() => {
      this.turnId.value = turnId;
      if (this.state.value === 'opening') this.state.value = 'streaming';
    });
  }

  #over({ end, text }: Ending): void {
    this.#chat = undefined;
    this.transcript.end(end, text);
    this.transcript.flush();
    const answer = this.transcript.answer();
    batch(() => {
      this.events.value = this.#events;
      this.state.value = 'idle';
      this.announcement.value = [`${this.agentId.value}: ${end.title}.`, end.message, spoken(answer)]
        .filter(Boolean)
        .join(' ');
    });
    this.#schedule();
  }

  #undecided(approvalId: string, problem: string): void {
    this.transcript.approval(approvalId, { kind: 'pending', problem });
  }

  /** Shows what has changed, before the page is drawn next. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    nextFrame(() => {
      this.#scheduled = false;
      this.transcript.flush();
      this.events.value = this.#events;
      const now = performance.now();
      if (now - this.#framesAt < FRAMES_PAUSE_MS && this.state.value !== 'idle') return;
      this.#framesAt = now;
      this.frameVersion.value = this.frames.version;
    });
  }
}

function endingOf(event: TerminalEvent): Ending {
  return { end: endOf(event), text: event.kind === 'done' ? event.text : undefined };
}

/** How much of an answer is read out at its end. Characters. */
const SPOKEN_LIMIT = 500;
const spoken = (text: string) => (text.length <= SPOKEN_LIMIT ? text : `${text.slice(0, SPOKEN_LIMIT)} … and more.`);

/** Known before the first frame is sent, so that its frames find their conversation. */
function newSessionId(): string {
  // Not `randomUUID()`: there is none on a page that came over plain HTTP from another machine.
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `console-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
