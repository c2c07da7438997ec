/** What the doctor found: `ok`, a `note` that needs no action, or `wrong`, with what to do about it. */
export interface Finding {
  readonly about: 'node' | 'packages' | 'environment' | 'endpoint' | 'clients';
  readonly state: 'ok' | 'note' | 'wrong';
  readonly text: string;
  /** What to do. */
  readonly fix?: string;
}
