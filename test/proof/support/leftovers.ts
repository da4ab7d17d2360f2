import { expect, vi } from 'vitest';
import { WebSocket } from 'ws';
import { own } from '../../e2e/support/cleanup.ts';
import type { Daemon } from '../../e2e/support/daemon.ts';

/** Has a daemon listen for a {@link Heap}, for the `env` of its start. */
const WITH_HEAP = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** A daemon whose heap is looked at. What the recorder keeps is no leak: of so few turns it is full before the first reading. */
export const WATCHED_HEAP = { flags: ['--log-level', 'info', '--record-turns', '20'], env: WITH_HEAP };

/** What a daemon holds, asked of V8 itself. */
export class Heap {
  readonly #socket: WebSocket;
  #ids = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    own(() => socket.terminate());
  }

  static async of(daemon: Daemon): Promise<Heap> {
    const [url] = /ws:\/\/127\.0\.0\.1:\S+/.exec(daemon.program.err) ?? [];
    if (url === undefined) throw new Error(`no inspector: ${daemon.program.err}`);
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new Heap(socket);
  }

  /** Collects garbage, and says what is left: bytes, and TCP sockets, open or not, that something still holds. */
  async collected(): Promise<{ bytes: number; sockets: number }> {
    await this.#post('HeapProfiler.collectGarbage');
    const { result } = await this.#post('Runtime.evaluate', {
      expression: 'process.getBuiltinModule("net").Socket.prototype',
      objectGroup: 'counted',
    });
    // It collects garbage itself before it counts.
    const { objects } = await this.#post('Runtime.queryObjects', {
      prototypeObjectId: result.objectId,
      objectGroup: 'counted',
    });
    const counted = await this.#post('Runtime.callFunctionOn', {
      objectId: objects.objectId,
      functionDeclaration: 'function () { return this.length; }',
    });
    await this.#post('Runtime.releaseObjectGroup', { objectGroup: 'counted' });
    const { usedSize } = await this.#post('Runtime.getHeapUsage');
    return { bytes: usedSize, sockets: counted.result.value };
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever the inspector answers
  #post(method: string, params: object = {}): Promise<any> {
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((resolve, reject) => {
      const read = (data: Buffer) => {
        const message = JSON.parse(data.toString());
        if (message.id !== id) return;
        this.#socket.off('message', read);
        if (message.error) reject(new Error(`${method}: ${message.error.message}`));
        else resolve(message.result);
      };
      this.#socket.on('message', read);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}

/**
 * Fails where the heap grew by more than that in each of the spans between these readings. What Node compiles anew, it compiles
 * in one of them; what leaks, leaks in all.
 */
export function expectNoLeak(readings: readonly { bytes: number }[], most: number): void {
  const growths = readings.slice(1).map(({ bytes }, i) => bytes - (readings[i]?.bytes ?? 0));
  expect(Math.min(...growths), `it grew by ${growths.join(', ')} bytes`).toBeLessThan(most);
}

/**
 * What may be there with nobody connected: agents and keys are known for ever; ended turns can be resumed for a while, from the
 * journal too, and be looked at in the recorder, which has bounds of its own.
 */
const KEPT =
  /^switchboard_(build_info|recorded_(turns|bytes)$|resume_log_bytes|ended_turns_kept|agents\{which="known"\}|event_loop_delay|memory|start_time|audit_writable|keys$|journal_(bytes|segments|turns)$)/;

/** Who asks is on a connection too. */
const OWN: Readonly<Record<string, number>> = { switchboard_plain_connections: 1 };

/** The gauges of `/metrics` that are not zero, those apart, and what any process has. */
async function gauges(daemon: Daemon): Promise<Record<string, number>> {
  const { body } = await daemon.get('/metrics');
  const names = [...body.matchAll(/^# TYPE (\w+) gauge$/gm)].map(([, name]) => name);
  const values: Record<string, number> = {};
  for (const [, series = '', name = '', value] of body.matchAll(/^((\w+)\S*) (\S+)$/gm)) {
    if (names.includes(name) && !KEPT.test(series) && Number(value) > (OWN[series] ?? 0))
      values[series] = Number(value);
  }
  return values;
}

/** With all clients gone nothing is left of them: no connection, turn, approval, queued byte, nor any session. */
export async function expectNothingLeft(daemon: Daemon): Promise<void> {
  await vi.waitFor(async () => expect(await gauges(daemon)).toEqual({}));
  const manager = await daemon.manager();
  expect(await manager.ok('agents.chat.sessions')).toEqual({ sessions: [] });
  const agents: { attached: boolean; turns: number }[] = await manager.ok('agents.list');
  expect(agents.filter(({ attached, turns }) => attached || turns > 0)).toEqual([]);
  manager.close();
  await manager.closed;
}

/** Makes the last events and approvals that a daemon remembers the same small ones, whatever they were before. */
export async function forgetTheLast(daemon: Daemon): Promise<void> {
  const manager = await daemon.manager();
  // Some at a time: fewer than may be pending.
  for (let i = 0; i < 25; i += 1) {
    const asked = Array.from({ length: 20 }, () => manager.ok('host.request_approval', { action: 'x' }));
    const ids = (await Promise.all(asked)).map(({ id }) => id);
    const settled = ids.map((id) => manager.ok('host.resolve_approval', { approval_id: id, resolution: 'deny' }));
    await Promise.all(settled);
  }
  manager.close();
  await manager.closed;
}
