/** What the doctor found: `ok`, `wrong`, with what to do about it, or a `note`, which may need no action. */
export interface Finding {
  readonly about: 'node' | 'packages' | 'environment' | 'endpoint' | 'clients';
  readonly state: 'ok' | 'note' | 'wrong';
  readonly text: string;
  /** What to do. */
  readonly fix?: string;
}
