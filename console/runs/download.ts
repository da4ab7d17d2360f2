/** Has the browser keep a text as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  // The browser has taken it by then, or never does.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A file's name of an id, whatever that is. */
export const fileName = (id: string, ending: string): string => `${id.replace(/[^\w-]+/g, '-').slice(0, 80)}.${ending}`;
