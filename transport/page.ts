import type { IncomingMessage } from 'node:http';

/** What of a request matters to a page. */
export interface PageRequest {
  /** The path as it came, without its query. */
  path: string;
  acceptEncoding: string | undefined;
  host: string | undefined;
  /** Whether it comes from this machine, and not through a proxy for somebody who may be anywhere. */
  isLocal: boolean;
  /** All of it, for what asks who that is. */
  request: IncomingMessage;
}

/** An answer to a plain HTTP request. */
export interface Page {
  status: number;
  /** Its content type. Default: plain text. */
  type?: string;
  body: string | Buffer;
  /** What it has beside, or in place of, the headers that every answer has. */
  headers?: Record<string, string>;
}

/** Finds the page of a path; undefined where there is none. */
export type PageFinder = (request: PageRequest) => Page | undefined | Promise<Page | undefined>;
