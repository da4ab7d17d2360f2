/** How high a row is. Pixels; the style sheet says the same. */
export const ROW_PX = 27;
/** Rows beyond those in sight that are drawn too, so that scrolling shows no gaps. */
const BEYOND = 12;

/** The rows that are drawn, and the room of those before and behind them. */
export interface RowWindow {
  readonly first: number;
  /** The one behind the last. */
  readonly end: number;
  readonly before: number;
  readonly behind: number;
}

/** A row that is opened, and how much higher than the others that makes it. Pixels. */
export interface OpenRow {
  readonly row: number;
  readonly more: number;
}

/** Of very many rows, those that are in sight. @param top how far the first one is below the upper end of what scrolls. */
export function windowOf(rows: number, top: number, height: number, open: OpenRow | undefined): RowWindow {
  const offset = (row: number) => row * ROW_PX + (open && row > open.row ? open.more : 0);
  const rowAt = (y: number) => {
    const plain = Math.floor(y / ROW_PX);
    if (!open || plain <= open.row) return plain;
    return Math.max(open.row, Math.floor((y - open.more) / ROW_PX));
  };
  const first = Math.min(rows, Math.max(0, rowAt(top) - BEYOND));
  const end = Math.max(first, Math.min(rows, rowAt(top + height) + 1 + BEYOND));
  return { first, end, before: offset(first), behind: offset(rows) - offset(end) };
}
