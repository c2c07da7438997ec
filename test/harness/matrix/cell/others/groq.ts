import Groq from 'groq-sdk';
import { recordingFetch } from 'runtrace';
import { likeOpenAI } from './completions.js';
import type { MakeClient } from './other-client.js';

export const make: MakeClient = (baseURL) => likeOpenAI(new Groq({ apiKey: 'none', baseURL, fetch: recordingFetch }));
