import { Fragment } from 'preact';
import { visibleAnswer } from '../../protocol/visible-answer.ts';
import { piecesOf } from './text-block.ts';

/** A text in which a line may end often enough, and in which nothing is unseen. */
export function Words({ text }: { text: string }) {
  const [first, ...others] = piecesOf(visibleAnswer(text));
  return (
    <>
      {first}
      {others.map((piece, place) => (
        <Fragment key={place}>
          <wbr />
          {piece}
        </Fragment>
      ))}
    </>
  );
}
