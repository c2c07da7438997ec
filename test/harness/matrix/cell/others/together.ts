import { recordingFetch } from 'runtrace';
import Together from 'together-ai';
import { likeOpenAI } from './completions.js';
import type { MakeClient } from './other-client.js';

export const make: MakeClient = (provider) =>
  likeOpenAI(new Together({ apiKey: 'none', baseURL: `${provider}/v1`, fetch: recordingFetch }));
