import { useCopy } from './use-copy.ts';

/**
 * Copies a text as it is shown, so that what is pasted is what was read.
 *
 * @param label - what it does: `Copy this code`
 * @param text - asked for when it is pressed: of what grows that costs nothing before
 */
export function CopyButton(props: { label: string; text(): string; class?: string; isDisabled?: boolean }) {
  const { label, text, class: look = 'small', isDisabled = false } = props;
  const [said, copy] = useCopy();
  return (
    <>
      <span class="soft" role="status">
        {said === 'copied' ? 'Copied' : said === 'refused' ? 'The browser does not let the page copy' : ''}
      </span>
      <button type="button" class={look} aria-label={label} disabled={isDisabled} onClick={() => copy(text())}>
        Copy
      </button>
    </>
  );
}
