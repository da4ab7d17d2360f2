import { changeBytes } from './byte-lives.ts';
import type { Random } from './random.ts';

/** The head of an upgrade, changed: as lines, or as bytes. */
export function changedHead(random: Random, head: readonly string[]): Buffer {
  const lines = [...head];
  const at = random.int(lines.length);
  random.pick([
    () => lines.splice(at, 1),
    () => lines.splice(at, 0, lines[at] ?? ''),
    () => lines.splice(at, 1, (lines[at] ?? '').toUpperCase()),
    () => lines.splice(at, 1, `${lines[at]}x`),
    () => lines.push(`X: ${'x'.repeat(random.pick([10, 20_000]))}`),
    () =>
      lines.push(
        random.pick(['Origin: http://evil.example', 'Content-Length: 5', 'Transfer-Encoding: chunked', 'Expect: x']),
      ),
    () =>
      lines.splice(
        0,
        1,
        random.pick(['POST / HTTP/1.1', 'GET / HTTP/9.9', 'GET /\u0000 HTTP/1.1', 'PRI * HTTP/2.0', 'GET']),
      ),
    () => lines.splice(1, 1, random.pick(['Host: evil.example', 'Host:', 'Host: localhost:1:2', 'Host : localhost'])),
    () =>
      lines.splice(
        4,
        1,
        random.pick(['Sec-WebSocket-Version: 12', 'Sec-WebSocket-Version:', 'Sec-WebSocket-Version: 13, 8']),
      ),
    () => lines.splice(5, 1, random.pick(['Sec-WebSocket-Key: x', 'Sec-WebSocket-Key:', 'Sec-WebSocket-Key: é'])),
    () => lines.push(random.pick(['Sec-WebSocket-Extensions: ;;', 'Sec-WebSocket-Protocol: ,', 'Upgrade: h2c'])),
  ])();
  const bytes = Buffer.from(`${lines.join(random.chance(0.9) ? '\r\n' : '\n')}\r\n\r\n`);
  return random.chance(0.3) ? changeBytes(random, bytes) : bytes;
}
