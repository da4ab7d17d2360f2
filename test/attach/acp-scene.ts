import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { onTestFinished } from 'vitest';
import { acpKind } from '../../attach/acp/kind.ts';
import { acpSettings } from '../../attach/acp/settings.ts';
import type { SessionStore } from '../../attach/attached.ts';
import { Join } from '../../attach/join.ts';
import type { ChatEvent, ChatOptions, Host } from '../../client/node.ts';
import { RealBroker } from '../client/real-broker.ts';

/** What the scripted agent is told to do for a prompt: see `scripted-agent.js`. */
export type Step = [step: string, ...args: unknown[]];

/** What the scripted agent is like: see there. */
export type Likeness = Record<string, unknown>;

const PROGRAM = new URL('./scripted-agent.js', import.meta.url).pathname;

/** The command of the scripted agent, and the variable that says what it is like. */
export const scripted = (is: Likeness) => ({
  acp: [process.execPath, PROGRAM],
  env: { AGENT: JSON.stringify(is) },
});

/** A broker, the scripted agent attached to it as `a1`, and a host. */
export class AcpScene {
  readonly real: RealBroker;
  readonly join: Join;
  readonly host: Host;
  readonly lines: { level: string; fields: Record<string, unknown>; words: string }[];
  readonly #log: string;

  private constructor(real: RealBroker, join: Join, host: Host, log: string, lines: AcpScene['lines']) {
    this.real = real;
    this.join = join;
    this.host = host;
    this.lines = lines;
    this.#log = log;
  }

  /** @param sessions where the agent's sessions are kept, if anywhere. */
  static async prepare(is: Likeness = {}, settings: object = {}, sessions?: SessionStore) {
    const real = await RealBroker.start();
    const { token } = real.broker.upsertAgent({ id: 'a1' });
    const directory = mkdtempSync(joinPath(tmpdir(), 'acp-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const heard = joinPath(directory, 'heard');
    const lines: AcpScene['lines'] = [];
    const note = (level: string) => (fields: object, words: string) =>
      void lines.push({ level, fields: { ...fields }, words });
    const { acp, env } = scripted(is);
    const checked = acpSettings.parse({
      acp,
      cwd: directory,
      spare: 0,
      ...settings,
      env: { ...env, AGENT_LOG: heard },
    });
    const join = new Join({
      kind: acpKind(checked),
      agentId: 'a1',
      connection: { link: () => real.broker.connect() },
      token,
      log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
      env: { ...process.env, SWITCHBOARD_HOST_TOKEN: 'secret' },
      sessions,
      onFailedStart: 'fail',
    });
    onTestFinished(() => join.close());
    return new AcpScene(real, join, await real.host(), heard, lines);
  }

  static async start(is?: Likeness, settings?: object, sessions?: SessionStore) {
    const scene = await AcpScene.prepare(is, settings, sessions);
    await scene.join.start();
    return scene;
  }

  chat(steps: Step[], options: ChatOptions = {}, host = this.host) {
    return host.chat('a1', JSON.stringify(steps), options);
  }

  /** All events of a turn, without what says which turn it is. */
  async events(steps: Step[], options: ChatOptions = {}): Promise<Record<string, unknown>[]> {
    const events: Record<string, unknown>[] = [];
    for await (const event of this.chat(steps, options)) events.push(bare(event));
    return events;
  }

  /** What the agent's processes have heard so far. */
  heard(): string[] {
    return readFileSync(this.#log, 'utf8').trim().split('\n');
  }
}

/** An event without what every event has. */
export function bare(event: ChatEvent): Record<string, unknown> {
  const { session_id, turn_id, agent_id, seq, seq_from, ...rest } = event as Record<string, unknown>;
  return rest;
}
