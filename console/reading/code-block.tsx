import { useSignal } from '@preact/signals';
import { memo } from 'preact/compat';
import { useEffect } from 'preact/hooks';
import { visibleAnswer } from '../../protocol/visible-answer.ts';
import { CopyButton } from '../copy-button.tsx';
import { shown } from '../surfaces/shown.ts';
import { colour, type Run } from './colour.ts';
import { type Block, codeOf } from './nodes.ts';
import type { Chunk } from './text-block.ts';
import { Words } from './words.tsx';

interface CodeProps {
  code: Extract<Block, { kind: 'code' }>;
  isColoured: boolean;
}

/** Code, with its language, and a button that copies what is seen of it. */
export function CodeBlock({ code, isColoured }: CodeProps) {
  const runs = useSignal<readonly Run[] | undefined>(undefined);
  useEffect(() => {
    runs.value = undefined;
    if (!isColoured) return;
    let isGone = false;
    void colour(code.info, visibleAnswer(codeOf(code))).then((coloured) => {
      if (!isGone) runs.value = coloured;
    });
    return () => {
      isGone = true;
    };
  }, [code, isColoured]);
  return (
    <div class="code-block">
      <p class="code-bar">
        <span class="soft">{shown(code.info, 60)}</span>
        <CopyButton class="quiet small" label="Copy this code" text={() => visibleAnswer(codeOf(code))} />
      </p>
      <pre>
        <code>
          {runs.value
            ? runs.value.map(([text, look], place) => (
                <span key={place} class={look}>
                  <Words text={text} />
                </span>
              ))
            : [
                ...code.chunks.map((chunk) => <CodeChunk key={chunk.key} chunk={chunk} />),
                <Words key="tail" text={code.tail} />,
              ]}
        </code>
      </pre>
    </div>
  );
}

const CodeChunk = memo(({ chunk }: { chunk: Chunk }) => (
  <span class="chunk">
    <Words text={chunk.text + chunk.end} />
  </span>
));
