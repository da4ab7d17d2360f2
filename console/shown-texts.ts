import { computed, Signal } from '@preact/signals';
import { options, type VNode } from 'preact';
import { visibleAnswer } from '../protocol/visible-answer.ts';

/** Attributes that are read, aloud or beside the pointer. */
export const READ_ATTRIBUTES = [
  'title',
  'aria-label',
  'aria-description',
  'aria-valuetext',
  'alt',
  'aria-placeholder',
  'aria-roledescription',
  'placeholder',
  'label',
  'summary',
  // It stands before the cell, on a narrow page.
  'data-title',
];

/**
 * Every text of the page comes by here, whoever draws it: what nobody sees in it is written out, but for what an answer
 * may hold. What a person decides on, names and ids are written out whole where they are drawn.
 */
export function showTexts(): void {
  const before = options.vnode;
  options.vnode = (vnode) => {
    show(vnode);
    before?.(vnode);
  };
}

function show(vnode: VNode): void {
  // A text: its properties are itself.
  const node = vnode as unknown as { type: unknown; props: unknown };
  if (node.type === null) {
    if (typeof node.props === 'string') node.props = visibleAnswer(node.props);
    return;
  }
  const props = node.props as Record<string, unknown>;
  // A signal's text would get into the page without being made a node of here.
  const { children } = props;
  if (children instanceof Signal) props.children = shownSignal(children);
  else if (Array.isArray(children) && children.some((child) => child instanceof Signal)) {
    props.children = children.map((child) => (child instanceof Signal ? shownSignal(child) : child));
  }
  if (typeof node.type !== 'string') return;
  for (const name of READ_ATTRIBUTES) {
    const value = props[name];
    if (typeof value === 'string') props[name] = visibleAnswer(value);
    else if (value instanceof Signal) props[name] = shownSignal(value);
  }
}

function shownSignal(signal: Signal<unknown>): Signal<unknown> {
  return computed(() => (typeof signal.value === 'string' ? visibleAnswer(signal.value) : signal.value));
}
