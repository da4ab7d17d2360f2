import { visibleLine } from '../../protocol/visible.ts';
import type { Field } from './form-model.ts';

interface FieldViewProps {
  field: Field;
  value: string;
  problem: string | undefined;
  onInput(value: string): void;
}

/** One field of a method's form: its name, what it takes, and what is wrong with it. */
export function FieldView({ field, value, problem, onInput }: FieldViewProps) {
  const { name, isNeeded, schema } = field;
  const id = `field-${name}`;
  const notes = [wordsOf(schema.description), boundsOf(field), defaultOf(field)].filter((note) => note !== undefined);
  const described = `${id}-note${problem === undefined ? '' : ` ${id}-problem`}`;
  return (
    <div class="method-field" data-problem={problem !== undefined}>
      <label for={id}>
        <code>{name}</code>
        {isNeeded ? <span class="soft"> needed</span> : null}
      </label>
      <Input
        field={field}
        given={{
          id,
          value,
          'aria-describedby': described,
          'aria-invalid': problem !== undefined,
          'aria-required': isNeeded,
          autocomplete: 'off',
          spellcheck: false,
          onInput: (event) => onInput(event.currentTarget.value),
        }}
      />
      <p id={`${id}-note`} class="soft">
        {notes.join(' · ')}
      </p>
      {problem === undefined ? null : (
        <p id={`${id}-problem`} class="refusal">
          {visibleLine(problem)}
        </p>
      )}
    </div>
  );
}

/** What every kind of field is given. */
interface Given {
  id: string;
  value: string;
  'aria-describedby': string;
  'aria-invalid': boolean;
  'aria-required': boolean;
  autocomplete: string;
  spellcheck: boolean;
  onInput(event: { currentTarget: { value: string } }): void;
}

function Input({ field: { kind, isSecret, choices = [] }, given }: { field: Field; given: Given }) {
  // `new-password`: the browser neither offers to keep it nor fills one in.
  if (isSecret) return <input type="password" {...given} autocomplete="new-password" />;
  if (kind === 'choice') {
    return (
      <select {...given} autocomplete={undefined}>
        <option value="">left out</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice.replaceAll('"', '')}
          </option>
        ))}
      </select>
    );
  }
  if (kind === 'text') return <input type="text" {...given} />;
  if (kind === 'number') return <input type="text" inputMode="decimal" {...given} />;
  return <textarea rows={kind === 'long' ? 2 : 3} placeholder={PLACEHOLDERS[kind]} {...given} />;
}

const PLACEHOLDERS = { long: undefined, lines: 'one a line', json: 'JSON' } as const;

/** A description, which is written for a page of Markdown. */
const wordsOf = (description: string | undefined) =>
  description?.replaceAll('`', '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');

function boundsOf({ schema: { minimum, maximum, maxLength, pattern, items }, kind }: Field): string | undefined {
  if (kind === 'lines' && items?.enum) return `any of ${items.enum.join(', ')}`;
  const isText = kind === 'text' || kind === 'long';
  if (isText && pattern !== undefined) return `like ${pattern}`;
  if (isText && maxLength !== undefined && maxLength < 1_000_000)
    return `at most ${maxLength.toLocaleString('en-US')} characters`;
  const most =
    maximum === undefined || maximum > Number.MAX_SAFE_INTEGER - 1 ? undefined : maximum.toLocaleString('en-US');
  if (minimum !== undefined && most !== undefined) return `${minimum.toLocaleString('en-US')} to ${most}`;
  if (minimum !== undefined) return `at least ${minimum.toLocaleString('en-US')}`;
  return most === undefined ? undefined : `at most ${most}`;
}

function defaultOf({ schema: { default: value } }: Field): string | undefined {
  if (value === undefined || value === '') return undefined;
  return `default ${JSON.stringify(value)}`;
}
