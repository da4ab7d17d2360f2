import { visibleAnswer } from '../../protocol/visible-answer.ts';
import { READ_ATTRIBUTES } from '../shown-texts.ts';

const WATCHED = { subtree: true, childList: true, characterData: true, attributeFilter: READ_ATTRIBUTES };

/**
 * Writes out what cannot be seen in all that a surface shows, now and whenever it changes; before it is painted. Of what
 * is drawn alone: the data that its actions carry stay as they are. @returns how to stop.
 */
export function showParts(root: ShadowRoot): () => void {
  const observer = new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      show(target);
      for (const node of addedNodes) showAll(node);
    }
  });
  observer.observe(root, WATCHED);
  showAll(root);
  return () => observer.disconnect();
}

function showAll(root: Node): void {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node: Node | null = root; node; node = walker.nextNode()) show(node);
}

function show(node: Node): void {
  // What was written is not written again: a change of the same is one that is told of.
  if (node instanceof Text) {
    const text = visibleAnswer(node.data);
    if (text !== node.data) node.data = text;
  } else if (node instanceof Element) {
    for (const name of READ_ATTRIBUTES) {
      const value = node.getAttribute(name);
      const text = value === null ? null : visibleAnswer(value);
      if (text !== null && text !== value) node.setAttribute(name, text);
    }
  }
}
