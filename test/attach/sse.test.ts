import { describe, expect, it } from 'vitest';
import { dataOf, TooLongError } from '../../attach/sse.ts';
import { rejection } from '../client/real-broker.ts';

async function read(chunks: Iterable<Uint8Array>): Promise<string[]> {
  async function* stream() {
    yield* chunks;
  }
  const all: string[] = [];
  for await (const data of dataOf(stream())) all.push(data);
  return all;
}

describe('a stream of events', () => {
  it('that never says anything is let go of', async () => {
    const comment = Buffer.from(`:${'x'.repeat(1024 * 1024 - 2)}\n`);
    function* forever() {
      for (;;) yield comment;
    }
    expect(await rejection(read(forever()))).toBeInstanceOf(TooLongError);
  });

  it('that comes all at once is read in turns with everything else', async () => {
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    expect(await read([Buffer.from('data: x\n\n'.repeat(200_000))])).toHaveLength(200_000);
    isOver = true;
    // That many take more than a few shares of four milliseconds on any machine.
    expect(turns).toBeGreaterThan(3);
  });
});
