import { isObject } from '../../protocol/json.ts';
import { visibleLine } from '../../protocol/visible.ts';

/** Values that hold at most this many are open from the first. */
const OPEN_UP_TO = 12;
/** Longer lists show this many. */
const SHOWN = 200;

/** A JSON value whose parts open and close. */
export function JsonTree({ value, name, depth = 0 }: { value: unknown; name?: string | undefined; depth?: number }) {
  const entries = entriesOf(value);
  const label = name === undefined ? null : <span class="json-key">{visibleLine(name)}: </span>;
  if (!entries || entries.length === 0) {
    return (
      <div class="json-line">
        {label}
        <Scalar value={value} />
      </div>
    );
  }
  return (
    <details class="json" open={depth === 0 || (depth < 3 && entries.length <= OPEN_UP_TO)}>
      <summary>
        {label}
        <span class="json-size">{Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </summary>
      {entries.slice(0, SHOWN).map(([key, inner]) => (
        <JsonTree key={key} name={key} value={inner} depth={depth + 1} />
      ))}
      {entries.length > SHOWN ? <p class="soft">and {entries.length - SHOWN} more</p> : null}
    </details>
  );
}

/** The fields of an object, one by one: for a context, whose own braces say nothing. */
export function JsonFields({ value }: { value: Record<string, unknown> }) {
  return (
    <div>
      {Object.entries(value).map(([key, inner]) => (
        <JsonTree key={key} name={key} value={inner} depth={1} />
      ))}
    </div>
  );
}

function Scalar({ value }: { value: unknown }) {
  if (Array.isArray(value)) return <span class="json-soft">[]</span>;
  if (isObject(value)) return <span class="json-soft">{'{}'}</span>;
  if (typeof value === 'string') return <span>{visibleLine(JSON.stringify(value))}</span>;
  return <span class="json-word">{String(value)}</span>;
}

function entriesOf(value: unknown): [string, unknown][] | undefined {
  return Array.isArray(value) || isObject(value) ? Object.entries(value) : undefined;
}
