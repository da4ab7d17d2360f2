import type { OnChat } from '../../client/node.ts';

/** An agent that says one word after the other, each when it is told to; told nothing, it is done. */
export function speaker() {
  const words: (string | undefined)[] = [];
  const waiting: (() => void)[] = [];
  const onChat: OnChat = async function* () {
    for (;;) {
      while (words.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      const word = words.shift();
      if (word === undefined) return;
      yield word;
    }
  };
  const say = (word?: string): void => {
    words.push(word);
    for (const resolve of waiting.splice(0)) resolve();
  };
  return { onChat, say };
}
