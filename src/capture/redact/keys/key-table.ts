import { AI_FORMATS } from './formats-ai.js';
import { CLOUD_FORMATS } from './formats-cloud.js';
import { CODE_FORMATS } from './formats-code.js';
import { SERVICE_FORMATS } from './formats-services.js';
import type { FormatRow } from './key-format.js';

/** Every key format that runtrace knows. */
export const KEY_FORMATS: readonly FormatRow[] = /* @__PURE__ */ AI_FORMATS.concat(
  CLOUD_FORMATS,
  CODE_FORMATS,
  SERVICE_FORMATS,
);
