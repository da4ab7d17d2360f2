/** Switchboard's mark: two lines, and a cord between them. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M2 4h12M2 12h12M5 4c0 4.5 6 3.5 6 8" fill="none" stroke="currentColor" stroke-width="1.3" />
      <circle cx="5" cy="4" r="1.8" fill="currentColor" />
      <circle cx="11" cy="12" r="1.8" fill="currentColor" />
    </svg>
  );
}
