import { badOption, checkNumber, requireOptions, requireString } from '../../util/validation.js';
import { TARGET_BYTES } from '../backoff.js';

/** Where and how spans are kept on disk that can't be delivered. */
export interface SpoolOptions {
  /** Where the files are. The directory is made, for the owner only, if it isn't there. Several processes may share it. */
  directory: string;
  /** How large the files may be together, in bytes, at least 2 MiB. What does not fit stays in memory; when that is nearly full, the oldest files leave. Default: 512 MiB. */
  maxBytes?: number | undefined;
  /** How old a file may get, in milliseconds; then it is dropped and counted. Default: 24 hours. */
  maxAgeMillis?: number | undefined;
  /**
   * Whether spans go to disk first, and are sent from there, so that even `kill -9` loses only what ended within the last
   * `scheduledDelayMillis`. Costs writing and reading every span once. Default: false, only what can't be delivered goes to disk.
   */
  writeAhead?: boolean | undefined;
}

const OPTIONS = ['directory', 'maxBytes', 'maxAgeMillis', 'writeAhead'];

/** @throws TypeError that names the option. */
export function checkSpoolOptions(options: SpoolOptions): void {
  requireOptions(options, 'spool', OPTIONS);
  requireString(options.directory, 'spool.directory');
  // A spool that holds no file of the usual size would hold nothing.
  checkNumber(options.maxBytes, 'spool.maxBytes', 2 * TARGET_BYTES);
  checkNumber(options.maxAgeMillis, 'spool.maxAgeMillis', 1);
  if (options.writeAhead !== undefined && typeof options.writeAhead !== 'boolean') {
    throw badOption('spool.writeAhead', 'true or false', options.writeAhead);
  }
}
