let ids = 0;

/** An element's id, and one of its own where it has none: a template may draw one component many times. */
export function ownId(element: Element): string {
  if (element.id === '') {
    ids += 1;
    element.id = `surface-part-${ids}`;
  }
  return element.id;
}
