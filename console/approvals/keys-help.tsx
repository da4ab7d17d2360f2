import { Sheet } from '../sheet.tsx';
import { hasKeys, setKeys } from './keys.ts';

const KEYS = [
  ['j', 'the next request'],
  ['k', 'the one before'],
  ['a', 'approves the request that is shown'],
  ['d', 'denies it'],
  ['?', 'shows this'],
] as const;

/** What the keys do, and the switch that turns them off. */
export function KeysHelp({ onClose }: { onClose(): void }) {
  return (
    <Sheet title="Keys" onClose={onClose}>
      {(close) => (
        <>
          <dl class="keys-help">
            {KEYS.map(([key, does]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
          <p class="soft">
            They do nothing while you type in a field, hold another key, or a request has only just come up. Of several
            that are the same, they answer one.
          </p>
          <label>
            <input type="checkbox" checked={hasKeys.value} onChange={(event) => setKeys(event.currentTarget.checked)} />{' '}
            Keys work on this page
          </label>
          <p class="buttons">
            <button type="button" autofocus onClick={close}>
              Close
            </button>
          </p>
        </>
      )}
    </Sheet>
  );
}
