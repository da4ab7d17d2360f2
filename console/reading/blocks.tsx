import { memo } from 'preact/compat';
import { CodeBlock } from './code-block.tsx';
import { Inlines } from './inlines.tsx';
import type { Align, Block } from './nodes.ts';
import { Words } from './words.tsx';

/** Blocks, one below the other. @param isColoured whether code is coloured, where its language is known. */
export function Blocks({ blocks, isColoured = false }: { blocks: readonly Block[]; isColoured?: boolean }) {
  return (
    <>
      {blocks.map((block, place) => (
        <OneBlock key={place} block={block} isColoured={isColoured} />
      ))}
    </>
  );
}

/** A block as elements of the page. */
export const OneBlock = memo(({ block, isColoured = false }: { block: Block; isColoured?: boolean }) => {
  switch (block.kind) {
    case 'paragraph':
      if (block.isPart) {
        return (
          <div class="chunk">
            <Inlines>{block.children}</Inlines>
          </div>
        );
      }
      return (
        <p>
          <Inlines>{block.children}</Inlines>
        </p>
      );
    case 'heading':
      // The headings of an answer are none of the page's: who goes by those would be led astray.
      return (
        <p class={`heading level-${block.level}`}>
          <Inlines>{block.children}</Inlines>
        </p>
      );
    case 'quote':
      return (
        <blockquote>
          <Blocks blocks={block.children} />
        </blockquote>
      );
    case 'list':
      return <List {...block} />;
    case 'rule':
      return <hr />;
    case 'code':
      return <CodeBlock code={block} isColoured={isColoured} />;
    case 'table':
      return <AnswerTable {...block} />;
    case 'plain':
      return (
        <div class="plain">
          <Words text={block.text} />
        </div>
      );
  }
});

function List({ start, items, isTight }: Extract<Block, { kind: 'list' }>) {
  const rows = items.map((blocks, place) => (
    <li key={place}>
      <Blocks blocks={blocks} />
    </li>
  ));
  const look = isTight ? 'tight' : undefined;
  if (start === undefined) return <ul class={look}>{rows}</ul>;
  return (
    <ol class={look} start={start}>
      {rows}
    </ol>
  );
}

function AnswerTable({ align, head, rows }: Extract<Block, { kind: 'table' }>) {
  if (head.length === 0 && rows.length === 0) return null;
  const look = (place: number): Align => align[place];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    // biome-ignore lint/a11y/useSemanticElements: it is no form, and no landmark: an answer may have many
    <div class="scroll" role="group" aria-label="Table" tabIndex={0}>
      <table>
        {head.length === 0 ? null : (
          <thead>
            <tr>
              {head.map((cell, place) => (
                <th key={place} class={look(place)}>
                  <Inlines>{cell}</Inlines>
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.map((row, line) => (
            <tr key={line}>
              {row.map((cell, place) => (
                <td key={place} class={look(place)}>
                  <Inlines>{cell}</Inlines>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
