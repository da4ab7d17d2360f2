/** How long a page that nobody sees waits before it shows anything: it gets no animation frames. Milliseconds. */
const HIDDEN_PAUSE_MS = 250;

/** Calls before the page is drawn next. */
export function nextFrame(callback: () => void): void {
  if (document.hidden) setTimeout(callback, HIDDEN_PAUSE_MS);
  else {
    // A page that is hidden between now and then would wait until it is seen again, and gather all the while.
    let called = false;
    const once = () => {
      if (called) return;
      called = true;
      clearTimeout(timer);
      callback();
    };
    const timer = setTimeout(once, HIDDEN_PAUSE_MS);
    requestAnimationFrame(once);
  }
}
