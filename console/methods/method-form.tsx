import { useEffect, useRef, useState } from 'preact/hooks';
import { isObject } from '../../protocol/json.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { NO_CONNECTION } from '../refusal.ts';
import { host } from '../session.ts';
import { closeAside, type Outcome, send } from './aside.ts';
import { FieldView } from './field-view.tsx';
import { compose, fieldsOf, initialValues, readJson, type Values, valuesOf } from './form-model.ts';
import { Answer } from './outcome.tsx';
import type { CallableMethod } from './schema.ts';

const pretty = (value: unknown) => writeJson(value, 2);

/** One method: its parameters, in fields or as JSON, and what came of sending it. */
export function MethodForm({ method }: { method: CallableMethod }) {
  const fields = fieldsOf(method);
  const [values, setValues] = useState<Values>(() => initialValues(fields ?? []));
  /** The parameters as JSON, where they are written so. */
  const [raw, setRaw] = useState<string | undefined>(fields ? undefined : method.params.type === 'array' ? '[]' : '{}');
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const form = useRef<HTMLFormElement>(null);
  /** The last one that was sent: of one before it the answer is not shown any more. */
  const sending = useRef(0);
  useEffect(
    () => () => {
      sending.current += 1;
    },
    [],
  );

  const put = (outcome: Outcome) => {
    setOutcome(outcome);
    if (outcome.kind !== 'error' || !fields || raw !== undefined) return;
    setProblems(Object.fromEntries(outcome.issues.map(({ path, message }) => [path, message])));
  };
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setProblem('');
    setProblems({});
    const params = read();
    if (params === undefined) return;
    if (!host.peek()) return setProblem(NO_CONNECTION);
    const mine = ++sending.current;
    setBusy(true);
    setOutcome(undefined);
    const outcome = await send(method.name, params);
    if (mine !== sending.current) return;
    setBusy(false);
    put(outcome);
  };
  /** The parameters as they are to be sent; undefined where something is wrong with them, which is then said. */
  function read(): object | undefined {
    if (raw === undefined) {
      const composed = compose(fields ?? [], values);
      if ('params' in composed) return composed.params;
      setProblems(composed.problems);
      const [first] = Object.keys(composed.problems);
      form.current?.querySelector<HTMLElement>(`[id="field-${first}"]`)?.focus();
      return undefined;
    }
    const json = readJson(raw);
    if ('problem' in json) return void setProblem(`The text ${json.problem}.`);
    if (isObject(json.value) || Array.isArray(json.value)) return json.value;
    return void setProblem('Parameters are an object, or an array.');
  }
  const toRaw = () => {
    const open = Object.fromEntries(
      (fields ?? []).filter(({ isSecret }) => !isSecret).map(({ name }) => [name, values[name] ?? '']),
    );
    const composed = compose(
      (fields ?? []).map((field) => ({ ...field, isRequired: false, isNeeded: false })),
      open,
    );
    if ('problems' in composed) return setProblems(composed.problems);
    setProblem((fields ?? []).some(({ isSecret, name }) => isSecret && values[name]) ? 'Secrets were left out.' : '');
    setProblems({});
    setRaw(pretty(composed.params));
  };
  const toFields = () => {
    const json = readJson(raw ?? '');
    const found = 'problem' in json ? undefined : valuesOf(fields ?? [], json.value, (value) => writeJson(value));
    if (!found) return setProblem('There are no fields for what the text says.');
    setProblem('');
    setValues(found);
    setRaw(undefined);
  };

  return (
    <section class="method" aria-labelledby="method-name">
      <h2 id="method-name">
        <code>{method.name}</code>
      </h2>
      <p>{method.summary.replaceAll('`', '')}</p>
      <p class="soft">
        Section {method.section} of the wire{method.role === 'host' ? ' · for the host role' : ''}
        {method.errors.length > 0 ? ` · may answer ${method.errors.join(', ')}` : ''}
      </p>
      {method.changes ? (
        <p class="method-warning">
          <strong>This is no dry run.</strong> It changes things at the daemon
          {method.role === 'host' ? ', which others may rely on' : ''}
          {method.audited ? ', and the audit has a record of it' : ''}.
        </p>
      ) : null}
      <form ref={form} class="method-form" aria-label={`Parameters of ${method.name}`} onSubmit={submit} noValidate>
        {raw !== undefined ? (
          <label class="method-raw">
            Parameters as JSON
            <textarea rows={10} spellcheck={false} value={raw} onInput={(event) => setRaw(event.currentTarget.value)} />
          </label>
        ) : fields && fields.length > 0 ? (
          fields.map((field) => (
            <FieldView
              key={field.name}
              field={field}
              value={values[field.name] ?? ''}
              problem={problems[field.name]}
              onInput={(value) => setValues((before) => ({ ...before, [field.name]: value }))}
            />
          ))
        ) : (
          <p class="soft">It takes no parameters.</p>
        )}
        <p class="refusal" role="alert">
          {visibleLine(problem)}
        </p>
        <div class="buttons">
          <button type="submit" class={method.changes ? 'danger' : 'primary'} aria-disabled={isBusy}>
            {isBusy ? 'Waiting for the answer …' : 'Send'}
          </button>
          {isBusy ? (
            <button
              type="button"
              onClick={() => {
                sending.current += 1;
                setBusy(false);
                closeAside();
              }}
            >
              Stop waiting
            </button>
          ) : null}
          {fields ? (
            <button type="button" onClick={raw === undefined ? toRaw : toFields}>
              {raw === undefined ? 'As JSON' : 'As fields'}
            </button>
          ) : null}
        </div>
      </form>
      <div role="status" aria-label="Answer">
        {outcome ? <Answer outcome={outcome} /> : null}
      </div>
    </section>
  );
}
