/** This broker cannot be one of the cluster as it was started. The message is one line for a person, without secrets. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}
