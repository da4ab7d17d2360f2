import { createConnection, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A socket that a test writes what it likes to, and all that has come of it. */
export class Raw {
  readonly socket: Socket;
  text = '';
  /** Resolves when the other end has closed, or cut it. */
  readonly closed: Promise<void>;

  constructor(port: number) {
    this.socket = createConnection({ port, host: '127.0.0.1' });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (data) => {
      this.text += data;
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    onTestFinished(() => void this.socket.destroy());
  }

  /** The statuses of the answers that came. */
  get statuses(): number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  }

  write(...lines: string[]): void {
    this.socket.write(lines.join('\r\n'));
  }

  /** Resolves once this has come. */
  until(part: string): Promise<void> {
    let from = 0;
    return new Promise((resolve) => {
      const look = () => {
        const isThere = this.text.includes(part, from);
        from = Math.max(0, this.text.length - part.length);
        if (!isThere) return;
        this.socket.off('data', look);
        resolve();
      };
      this.socket.on('data', look);
      look();
    });
  }
}

/** The head of a request for a chat completion. */
export const headOf = (token: string, length: number | string, ...more: string[]): string =>
  [
    'POST /v1/chat/completions HTTP/1.1',
    'Host: localhost',
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${length}`,
    ...more,
    '',
    '',
  ].join('\r\n');
