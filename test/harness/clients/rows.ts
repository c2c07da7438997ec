import { aiSdk } from './apps/ai-sdk.js';
import { bedrock } from './apps/bedrock.js';
import { openAICompatible } from './apps/openai-compatible.js';
import { ownApi } from './apps/own-api.js';
import { plainHttp } from './apps/plain-http.js';
import type { ClientRow } from './client.js';

/** Every client of the table. Importing this needs the packages of this folder. */
export const ROWS: readonly ClientRow[] = [...openAICompatible, ...ownApi, ...bedrock, ...aiSdk, ...plainHttp];
