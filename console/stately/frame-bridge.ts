import type { StatelyInspectionEvent } from '@statelyai/inspect';
import { isObject } from '../../protocol/json.ts';

/** What the inspector says once it is ready to listen. */
const READY = '@statelyai.connected';

/** The inspector in its frame, as the page deals with it. */
export interface FrameBridge {
  /** Hands it an event, where it is ready; nobody else can read it. */
  send(events: readonly StatelyInspectionEvent[]): void;
  /** Listens no more. */
  close(): void;
}

/**
 * Listens for an inspector in a frame. It says that it is ready each time it has been loaded; nothing is handed to it
 * before. Whatever comes from another window or another origin is nobody's.
 * @param onReady the inspector is there, and knows nothing yet.
 */
export function bridgeTo(frame: HTMLIFrameElement, url: string, onReady: () => void): FrameBridge {
  const { origin } = new URL(url);
  let ready = false;
  const hear = ({ source, origin: from, data }: MessageEvent<unknown>) => {
    if (source !== frame.contentWindow || from !== origin || !isObject(data) || data.type !== READY) return;
    ready = true;
    onReady();
  };
  window.addEventListener('message', hear);
  return {
    send(events) {
      if (!ready) return;
      for (const event of events) frame.contentWindow?.postMessage(event, origin);
    },
    close: () => window.removeEventListener('message', hear),
  };
}
