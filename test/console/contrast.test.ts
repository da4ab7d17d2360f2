import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** What text needs to be read by most people (WCAG 2.2, AA). */
const TEXT = 4.5;
/** The same of edges of fields and buttons. */
const EDGE = 3;

const tokens = [
  ...readFileSync('console/styles/tokens.css', 'utf8').matchAll(/--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)/g),
].map(([, name = '', light = '', dark = '']) => ({ name, light, dark }));

const grounds = ['ground', 'surface', 'raised'];
/** What stands on what. */
const pairs: [text: string, ground: string, least: number][] = [
  ...['ink', 'ink-soft', 'ink-faint', 'accent', 'good', 'warn', 'bad'].flatMap((text) =>
    grounds.map((ground): [string, string, number] => [text, ground, TEXT]),
  ),
  ...['accent', 'good', 'warn', 'bad'].map((text): [string, string, number] => [text, `${text}-ground`, TEXT]),
  ['ink', 'accent-ground', TEXT],
  ['ink-soft', 'accent-ground', TEXT],
  ...['warn-ground', 'bad-ground'].map((ground): [string, string, number] => ['ink', ground, TEXT]),
  // A primary button, and the number of approvals that wait.
  ['ground', 'accent', TEXT],
  ['ground', 'warn', TEXT],
  ['rule-strong', 'ground', EDGE],
  ['rule-strong', 'surface', EDGE],
];

describe.each(['light', 'dark'] as const)('the colours of the %s theme', (theme) => {
  it.each(pairs)('%s on %s › can be read', (text, ground, least) => {
    expect(contrast(colour(text), colour(ground))).toBeGreaterThanOrEqual(least);
  });

  function colour(name: string): string {
    return tokens.find((one) => one.name === name)?.[theme] ?? expect.unreachable(`no token ${name}`);
  }
});

function contrast(one: string, other: string): number {
  const [bright = 0, dim = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dim + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
