import { batch, signal } from '@preact/signals';
import {
  type Chat,
  type ChatHandle,
  ConnectionClosedError,
  ConnectionLostError,
  type Host,
  type Interruption,
  ResumeError,
  RpcError,
  type TerminalEvent,
} from '../../client/browser.ts';
import { nextFrame } from '../next-frame.ts';
import { askingOf } from './asking.ts';
import { FrameLog } from './frame-log.ts';
import { routeFrames } from './frame-router.ts';
import { offerPageTool, releasePageTool } from './page-tool.ts';
import type { SavedConversation, SendOptions } from './saved-conversation.ts';
import { draftsOf } from './saved-transcript.ts';
import { newSessionId } from './session-id.ts';
import { Transcript } from './transcript.ts';
import { endOf, endOfCancel, endOfError, endOfReload, type TurnEnd, wordsOf } from './turn-end.ts';
import { TurnFigures } from './turn-figures.ts';

/** Where a conversation's turn stands, as this page knows it. */
export type TurnState = 'idle' | 'opening' | 'streaming' | 'cancelling';

/** What the person is told of a turn's connection. `gap`: events besides the text may be missing. */
export type Standing = 'waiting' | 'back' | 'gap';

/** The end of a turn, and the whole answer where its agent said it there. */
interface Ending {
  end: TurnEnd;
  text?: string | undefined;
}

/** How often raw frames are drawn anew: nobody reads them faster. Milliseconds. */
const FRAMES_PAUSE_MS = 250;

let count = 0;

/** One conversation with one agent: its session, what was said, and the turn that runs. It outlives the console's tab. */
export class Conversation {
  readonly key = ++count;
  /** Follow-up prompts go on in it. */
  readonly sessionId: string;
  readonly transcript = new Transcript();
  readonly frames: FrameLog;
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
  /** Of a turn whose connection was lost: whether it is back. */
  readonly standing = signal<Standing | undefined>(undefined);
  /** Of a turn that waits for somebody to go on with it, because the SDK's host that had it is over. */
  readonly left = signal<ChatHandle | undefined>(undefined);
  /** Whether its agent may have taken a turn that the page that opened it did not live to hear of: nobody can go on with it. */
  readonly isOrphaned = signal(false);
  readonly #unroute: () => void;
  #chat: Chat | undefined;
  /** Of a turn that is about to be gone on with: whoever loads the page again meanwhile goes on with it too. */
  #handle: ChatHandle | undefined;
  /** It was cancelled while there was nobody yet to tell. */
  #wantsCancel = false;
  #events = 0;
  #figures = new TurnFigures();
  #scheduled = false;
  /** When the frames were drawn last. */
  #framesAt = 0;
  #closed = false;

  /** @param saved what was kept of it. @throws {TypeError} where it is none. */
  constructor(saved?: SavedConversation) {
    this.sessionId = saved?.sessionId ?? newSessionId();
    this.frames = new FrameLog(this.sessionId);
    if (saved) this.#restore(saved);
    this.#unroute = routeFrames(this.frames);
  }

  /** Says something to the agent. Only while no turn runs. */
  async send(host: Host, prompt: string): Promise<void> {
    if (this.state.value !== 'idle' || this.agentId.value === '') return;
    this.#events = 0;
    this.#figures = new TurnFigures();
    this.#wantsCancel = false;
    batch(() => {
      this.state.value = 'opening';
      this.turnId.value = undefined;
      this.standing.value = undefined;
      this.announcement.value = `Sent to ${this.agentId.value}.`;
    });
    this.transcript.prompt(prompt);
    this.#schedule();
    const { model, stream } = this.options.value;
    const asked = { ...this.#wire(model, stream), resumable: true, onInterruption: this.#onInterruption };
    await this.#run(host, () => host.chat(this.agentId.value, prompt, asked));
  }

  /** Asks the last thing again. */
  async again(host: Host): Promise<void> {
    const prompt = this.transcript.lastPrompt();
    if (prompt !== undefined) await this.send(host, prompt);
  }

  /** Ends a turn that nobody can go on with, so that it is not in the way of the next. */
  async endOrphan(host: Host): Promise<void> {
    this.isOrphaned.value = false;
    // An error says that there is none.
    await host.request('agents.chat.cancel', { session_id: this.sessionId }).catch(() => {});
  }

  /** Goes on with a turn that was left; does nothing where there is none. */
  async goOn(host: Host): Promise<void> {
    const handle = this.left.value;
    if (!handle || this.#closed) return;
    this.left.value = undefined;
    await this.#run(
      host,
      () => {
        const chat = host.resume(handle, { onInterruption: this.#onInterruption });
        const isBack = () => {
          if (this.standing.value === 'waiting') this.#isBack('back');
        };
        chat.ack.then(isBack).catch(() => {});
        return chat;
      },
      handle,
    );
  }

  /** Ends the turn that runs. */
  async cancel(): Promise<void> {
    const before = this.state.value;
    if (before === 'idle' || before === 'cancelling') return;
    this.state.value = 'cancelling';
    // A turn that is about to be opened, or gone on with, is cancelled then.
    if (this.#chat) await this.#cancel(this.#chat, before);
    else this.#wantsCancel = true;
  }

  async #cancel(chat: Chat, before: TurnState): Promise<void> {
    try {
      await chat.cancel();
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

  /** What it takes to go on from here. @param limit how much of what was said is kept. Characters, roughly. */
  saved(limit: number): SavedConversation {
    const isRunning = this.state.value !== 'idle';
    return {
      sessionId: this.sessionId,
      agentId: this.agentId.value,
      options: this.options.value,
      transcript: this.transcript.saved(limit),
      turnId: this.turnId.value,
      events: this.#events,
      isRunning,
      handle: isRunning ? (this.#chat?.handle ?? this.left.value ?? this.#handle) : undefined,
      figures: isRunning ? this.#figures.saved() : undefined,
    };
  }

  /** Forgets it; a turn that runs is cancelled. */
  close(): void {
    this.#closed = true;
    releasePageTool(this);
    this.#unroute();
    void this.#chat?.cancel().catch(() => {});
  }

  #restore(saved: SavedConversation): void {
    const { agentId, options, transcript, turnId, events, isRunning, handle, figures } = saved;
    this.#figures = new TurnFigures(figures);
    this.transcript.restore(draftsOf(transcript), transcript);
    this.agentId.value = agentId;
    this.options.value = options;
    this.turnId.value = turnId;
    this.#events = events;
    this.events.value = events;
    if (!isRunning) return;
    this.state.value = 'streaming';
    if (handle) this.#wait(handle);
    else {
      this.isOrphaned.value = true;
      this.#over({ end: endOfReload() });
    }
  }

  /** Until somebody goes on with it. */
  #wait(handle: ChatHandle): void {
    this.#chat = undefined;
    batch(() => {
      this.standing.value = 'waiting';
      this.left.value = handle;
    });
  }

  readonly #onInterruption = (interruption: Interruption) => {
    if (interruption.state === 'resumed') return this.#isBack(interruption.recovered ? 'back' : 'gap');
    this.standing.value = 'waiting';
    this.announcement.value = `The connection is lost. The answer of ${this.agentId.value} goes on when it is back.`;
  };

  #isBack(standing: Standing): void {
    this.standing.value = standing;
    this.announcement.value = `${this.agentId.value} goes on.`;
  }

  /** Opens a turn, or goes on with one, and reads it to its end. @param handle of the one that is gone on with. */
  async #run(host: Host, open: () => Chat, handle?: ChatHandle): Promise<void> {
    let chat: Chat | undefined;
    this.#handle = handle;
    try {
      // Before the turn: its agent may need the tool at once.
      await offerPageTool(host, this, this.options.value.tool);
      if (this.#wantsCancel && !handle) return this.#over({ end: endOfCancel() });
      chat = open();
      this.#over(await this.#turn(chat));
    } catch (error) {
      // Another host may come, with another token say: it goes on where this one was.
      const left = mayGoOn(error) && !this.#closed ? (chat ? chat.handle : handle) : undefined;
      if (left) this.#wait(left);
      else this.#over({ end: endOfError(error) });
    }
  }

  #wire(model: string, stream: boolean) {
    return { sessionId: this.sessionId, stream, ...(model === '' ? {} : { model }) };
  }

  /** Reads a turn to its end. */
  async #turn(chat: Chat): Promise<Ending> {
    this.#chat = chat;
    // A refusal is read with the events.
    chat.ack.then(({ turn_id }) => this.#accepted(turn_id)).catch(() => {});
    if (this.#closed) void chat.cancel().catch(() => {});
    else if (this.#wantsCancel) void this.#cancel(chat, 'streaming');
    this.#wantsCancel = false;
    for await (const event of chat) {
      this.#events++;
      this.#figures.event(event);
      if (event.kind === 'done' || event.kind === 'error' || event.kind === 'auth_required') return endingOf(event);
      if (event.kind === 'token' && event.recovered) this.#isBack('gap');
      this.transcript.event(event);
      this.announcement.value = askingOf(event, chat.agentId) ?? this.announcement.value;
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
    releasePageTool(this);
    if (this.standing.value === 'waiting') this.standing.value = undefined;
    // How long one took that nobody waited for is not known.
    this.transcript.end(this.isOrphaned.value ? end : { ...end, figures: this.#figures.words() }, text);
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

/** Whether a turn may be gone on with by another host than the one that had it, or by the same once it is connected. */
function mayGoOn(error: unknown): boolean {
  if (error instanceof ResumeError) return error.reason === 'disconnected';
  return error instanceof ConnectionClosedError || error instanceof ConnectionLostError;
}

function endingOf(event: TerminalEvent): Ending {
  return { end: endOf(event), text: event.kind === 'done' ? event.text : undefined };
}

/** How much of an answer is read out at its end. Characters. */
const SPOKEN_LIMIT = 500;
const spoken = (text: string) => (text.length <= SPOKEN_LIMIT ? text : `${text.slice(0, SPOKEN_LIMIT)} … and more.`);
