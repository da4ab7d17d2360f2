import type { Frame, HostOptions } from '../client/browser.ts';

/** Hears the parameters of one kind of notification. */
type NotificationListener = (params: unknown) => void;

const frameListeners = new Set<(frame: Frame) => void>();
const notificationListeners = new Map<string, Set<NotificationListener>>();

/** What the page's connection is opened with, so that its pages can listen to more than the SDK has words for. */
export const taps = {
  onFrame: (frame) => {
    for (const listener of frameListeners) listener(frame);
  },
  onNotification: (method, params) => {
    for (const listener of notificationListeners.get(method) ?? []) listener(params);
  },
} satisfies Partial<HostOptions>;

/** Hears every frame of the page's connection, whichever it is by then. @returns what stops it. */
export function hearFrames(listener: (frame: Frame) => void): () => void {
  frameListeners.add(listener);
  return () => void frameListeners.delete(listener);
}

/** Hears the notifications of a method, such as `inspect.event`; it must not throw. @returns what stops it. */
export function hearNotifications(method: string, listener: NotificationListener): () => void {
  const listeners = notificationListeners.get(method) ?? new Set();
  notificationListeners.set(method, listeners.add(listener));
  return () => void listeners.delete(listener);
}
