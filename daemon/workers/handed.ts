import type { ChildProcess } from 'node:child_process';

/** How `node:cluster` speaks with its workers: not documented, and the same since Node 0.12. */
interface ClusterMessage {
  readonly cmd?: unknown;
  readonly act?: unknown;
  readonly seq?: unknown;
  readonly ack?: unknown;
}
interface Handle {
  close(): void;
}

/**
 * The connections that were handed to a worker, and which it has not taken yet. `node:cluster` forgets them when the worker dies:
 * nobody would answer them, and nobody cut them.
 */
export class HandedConnections {
  readonly #process: ChildProcess;
  readonly #handed = new Map<unknown, Handle>();

  /** @param process - of a worker that was forked just now */
  constructor(process: ChildProcess) {
    this.#process = process;
    const send = process.send?.bind(process) as ((message: unknown, handle?: unknown) => boolean) | undefined;
    if (!send) return;
    const handing = (message: ClusterMessage, handle?: Handle, ...more: []) => {
      if (message.cmd === 'NODE_CLUSTER' && message.act === 'newconn' && handle) this.#handed.set(message.seq, handle);
      return send(message, handle, ...more);
    };
    process.send = handing as unknown as ChildProcess['send'];
    process.on('internalMessage' as never, (message: ClusterMessage) => this.#handed.delete(message.ack));
  }

  /** The worker is gone: others get what it has not taken. @param isAnyoneThere - whether there is another one that listens */
  giveBack(isAnyoneThere: boolean): void {
    for (const [ack, handle] of this.#handed) {
      // As a worker answers that is about to stop.
      if (isAnyoneThere)
        this.#process.emit('internalMessage' as never, { cmd: 'NODE_CLUSTER', ack, accepted: false } as never);
      else handle.close();
    }
    this.#handed.clear();
  }
}
