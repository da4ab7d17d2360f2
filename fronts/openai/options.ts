/** How the OpenAI front serves. */
export interface OpenAiOptions {
  /**
   * Its clients cannot be asked for approvals. `wait`: somebody at the console or the command line is. `deny`: they are denied
   * at once. Default `wait`.
   */
  approvals?: 'wait' | 'deny' | undefined;
  /** Tells what the agent's own tools do, one line each, as its reasoning. Default false. */
  showTools?: boolean | undefined;
}
