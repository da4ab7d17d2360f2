import { link } from '../route.ts';
import { type Column, Free } from '../table.tsx';

/** Which broker something is at, and the way to the brokers. */
export function BrokerName({ id }: { id: string }) {
  return (
    <a href={link('brokers')}>
      <Free text={id} />
    </a>
  );
}

/** The columns of a table, with one that says at which broker each row is, where there are several. @param at - its place */
export function withBroker<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  brokerOf: (row: Row) => string | undefined,
  at = columns.length,
): readonly Column<Row>[] {
  if (!rows.some((row) => brokerOf(row) !== undefined)) return columns;
  const cell = (row: Row) => {
    const id = brokerOf(row);
    return id === undefined ? '' : <BrokerName id={id} />;
  };
  return columns.toSpliced(at, 0, { title: 'Broker', by: brokerOf, cell });
}
