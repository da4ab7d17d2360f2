import {
  type BaseEvent,
  EventType,
  HttpAgent,
  type Interrupt,
  type RunAgentParameters,
  type RunFinishedOutcome,
} from '@ag-ui/client';
import type { Scene } from '../front-scene.ts';

/** Somebody's place at the front: who, which agent, which thread. */
export interface Place {
  scene: Scene;
  key?: string;
  agent?: string;
  thread?: string;
}

/** A page by AG-UI's own client, with what its verifier and its parser let through. */
export class Page {
  readonly agent: HttpAgent;
  readonly events: BaseEvent[] = [];

  constructor({ scene, key = scene.token, agent = 'echo', thread = 'thread-1' }: Place) {
    this.agent = new HttpAgent({
      url: `${scene.url}/ag-ui/${agent}`,
      headers: { authorization: `Bearer ${key}` },
      threadId: thread,
    });
    this.agent.subscribe({ onEvent: ({ event }) => void this.events.push(event) });
  }

  /** Says something, and reads the answer. Rejects with what the client makes of a run that failed. */
  async say(text: string, parameters: RunAgentParameters = {}, id: string = crypto.randomUUID()): Promise<void> {
    this.agent.messages.push({ id, role: 'user', content: text });
    await this.run(parameters);
  }

  /** Goes on. */
  async run(parameters: RunAgentParameters = {}): Promise<void> {
    this.events.length = 0;
    await this.agent.runAgent(parameters);
  }

  /** Adds a result of a tool, for the next run. */
  result(toolCallId: string, content: string): void {
    this.agent.messages.push({ id: crypto.randomUUID(), role: 'tool', toolCallId, content });
  }

  /** The types of the last run's events, neighbours of one type as one. */
  get types(): string[] {
    return this.events.map(({ type }) => String(type)).filter((type, at, all) => type !== all[at - 1]);
  }

  /** All that was said in the last run. */
  get text(): string {
    const deltas = this.events.filter(({ type }) => type === EventType.TEXT_MESSAGE_CONTENT);
    return deltas.map(({ delta }) => delta).join('');
  }

  get last(): BaseEvent | undefined {
    return this.events.at(-1);
  }

  /** How the last run has ended; undefined where it failed. */
  get outcome(): RunFinishedOutcome | undefined {
    return this.last?.outcome as RunFinishedOutcome | undefined;
  }

  /** What a person is to answer before the next run. */
  get interrupts(): Interrupt[] {
    return this.outcome?.type === 'interrupt' ? this.agent.pendingInterrupts : [];
  }

  /** The calls that the page is to run before the next. */
  get calls(): string[] {
    return (this.outcome?.type === 'success' && this.outcome.pendingToolCallIds) || [];
  }
}
