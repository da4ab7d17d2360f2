import { useState } from 'preact/hooks';

/** Copies a text as it is shown, so that what is pasted is what was read. @param label what it is of. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      // Not allowed, or not over plain HTTP from elsewhere.
      setSaid('Select it to copy');
    }
  };
  return (
    <span class="copy">
      <span class="soft" role="status">
        {said}
      </span>
      <button type="button" class="small" aria-label={`Copy ${label}`} onClick={copy} onBlur={() => setSaid('')}>
        Copy
      </button>
    </span>
  );
}
