/** What the clients know of the daemon's deaths. */
export class Deaths {
  /** Grows when it is about to be killed, and when it was. */
  count = 0;
  /** It keeps a journal of its turns: they are to outlive it. */
  isDurable = false;
}
