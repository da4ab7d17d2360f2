/** A JSON Schema, as far as a form looks into one. */
export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: Schema;
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly Schema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
}

/** A request that the form can send. */
export interface CallableMethod {
  /** Its name on the wire. */
  name: string;
  summary: string;
  /** Section of the wire contract. */
  section: number;
  role: 'any' | 'host';
  /** It changes something, or may: who sends it should know. */
  changes: boolean;
  /** The audit has a record of it. */
  audited: boolean;
  /** Names of errors that it may answer besides the general ones. */
  errors: readonly string[];
  /** Members of the parameters that are secrets. */
  secret: readonly string[];
  /** Without what every request may say besides (`_meta`). */
  params: Schema;
}
