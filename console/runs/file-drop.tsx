import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { go } from '../route.ts';
import { openFile } from './opened-file.ts';
import { FILE } from './turn-log.ts';

/** A page on which a turn's file may be dropped. */
export function FileDrop({ children }: { children: ComponentChildren }) {
  const [isOver, setOver] = useState(false);
  const [problem, setProblem] = useState<string>();
  const take = async (file: File) => {
    setProblem(undefined);
    const why = await openFile(file);
    setProblem(why);
    if (why === undefined) go('runs', FILE);
  };
  const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button that opens a file does the same
    <div
      class={isOver ? 'runs-drop over' : 'runs-drop'}
      onDragOver={(event) => {
        if (!hasFile(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        const { relatedTarget: to, currentTarget: part } = event;
        if (!(to instanceof Node && part.contains(to))) setOver(false);
      }}
      onDrop={(event) => {
        if (!hasFile(event)) return;
        event.preventDefault();
        setOver(false);
        const [file] = event.dataTransfer?.files ?? [];
        if (file) void take(file);
      }}
    >
      {problem === undefined ? null : (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {children}
    </div>
  );
}

/** Opens a turn's file that the person chooses. */
export function FileButton() {
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string>();
  const take = async () => {
    const [file] = input.current?.files ?? [];
    if (!file) return;
    const why = await openFile(file);
    setProblem(why);
    // The same file again is a change, too.
    if (input.current) input.current.value = '';
    if (why === undefined) go('runs', FILE);
  };
  return (
    <>
      <button type="button" class="small" onClick={() => input.current?.click()}>
        Open a file
      </button>
      <input
        ref={input}
        type="file"
        accept=".json,application/json"
        hidden
        aria-label="A turn’s file"
        onChange={take}
      />
      {problem === undefined ? null : (
        <span class="run-bad" role="alert">
          {problem}
        </span>
      )}
    </>
  );
}
