import { lineY, pathOf } from './chart-drawing.tsx';
import type { Flash } from './flashes.ts';
import { boxLinesOf, type Layout, sizes } from './layout.ts';

interface FlashesProps {
  layout: Layout;
  flashes: readonly Flash[];
}

/** The edges that were passed just now: they light up and fade. */
export function EdgeFlashes({ layout, flashes }: FlashesProps) {
  return (
    <g class="chart-flashes">
      {flashes.map(({ key, id }) => {
        const edge = layout.edges.find((placed) => placed.edge.id === id);
        return edge ? <path key={key} class="flash" d={pathOf(edge.points)} marker-end="url(#chart-flash)" /> : null;
      })}
    </g>
  );
}

/** The same of lines in boxes: events that were heard and left the state as it is. */
export function LineFlashes({ layout, flashes }: FlashesProps) {
  return (
    <g class="chart-flashes">
      {flashes.map(({ key, id }) => (
        <LineFlash key={key} layout={layout} id={id} />
      ))}
    </g>
  );
}

function LineFlash({ layout, id }: { layout: Layout; id: string }) {
  for (const { state, box } of layout.states) {
    const index = boxLinesOf(state).findIndex((line) => line.id === id);
    if (index < 0) continue;
    return (
      <rect
        class="flash-line"
        x={box.x + 4}
        y={lineY(box, index) - 10}
        width={box.width - 8}
        height={sizes.line}
        rx="2"
      />
    );
  }
  return null;
}
