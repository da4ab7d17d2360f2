import { useSignalEffect } from '@preact/signals';
import { Fragment } from 'preact';
import { memo } from 'preact/compat';
import { useEffect, useMemo } from 'preact/hooks';
import { Answer, type Group } from './answer.ts';
import { Blocks, OneBlock } from './blocks.tsx';
import { Reader } from './reader.ts';
import type { TextBlock } from './text-block.ts';
import './reading.css';

/** What was read of a text stays read when its page is left. */
const readers = new WeakMap<TextBlock, Reader>();

/** An answer as Markdown, while it grows and when it is there. */
export function AnswerView({ block }: { block: TextBlock }) {
  const reader = useMemo(() => {
    const known = readers.get(block) ?? new Reader(block, new Answer());
    readers.set(block, known);
    return known;
  }, [block]);
  useSignalEffect(() => {
    void block.tail.value;
    void block.chunks.value;
    reader.read();
  });
  useEffect(() => () => reader.stop(), [reader]);
  return (
    <div class="markdown">
      {reader.answer.closed.value.map((group) => (
        <GroupView key={group.key} group={group} />
      ))}
      <Open answer={reader.answer} />
    </div>
  );
}

const GroupView = memo(({ group }: { group: Group }) => (
  <>
    {group.blocks.map(({ key, block, isColoured, isTooMuch }) => (
      <Fragment key={key}>
        <OneBlock block={block} isColoured={isColoured} />
        {isTooMuch ? (
          <p class="soft">From here on as it was written: its formatting is too much for the page.</p>
        ) : null}
      </Fragment>
    ))}
  </>
));

/** A component of its own: what grows is drawn anew, and nothing else. */
function Open({ answer }: { answer: Answer }) {
  return <Blocks blocks={answer.open.value} isColoured={answer.isOpenColoured.value} />;
}
