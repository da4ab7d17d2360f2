/* What `formatString` reads, and how much comes of it: an agent may bind a thousand elements to one template. */

/** Templates of more characters, or expressions in them, are not read but shown as they are. */
const MAX_TEMPLATE = 4_000;
const MAX_EXPRESSIONS = 100;
/** Characters that come of a template; the rest is cut off. */
export const MAX_FORMATTED = 10_000;

/** How many expressions a template has. */
export function expressionsIn(template: string): number {
  return template.split('${').length - 1;
}

/** Whether a template is read: that takes its length for each of its expressions, where they stand in one another. */
export function mayBeRead(template: string): boolean {
  return template.length <= MAX_TEMPLATE && expressionsIn(template) <= MAX_EXPRESSIONS;
}
