/** Model calls whose format is not read: which requests become plain steps, so that no model call vanishes. */
import { label, object, parseJson } from '../util/json-fields.js';
import { withoutLastSlashes } from '../util/url-parts.js';
import { providerOf } from './provider-names.js';
import { excerpt } from './stream/excerpt.js';
import { ASKED } from './stream/extent.js';

/** A request that {@link readModelCall} does not recognize. */
export interface UnknownRequest {
  readonly method: string;
  readonly url: URL;
  /** The body, as text or in UTF-8; `undefined` if it could not be read. */
  readonly body: string | Uint8Array | undefined;
  /** The fields of a form, as JSON. */
  readonly formFields?: string | undefined;
  /** The `content-type` header, in any case. */
  readonly contentType?: string | undefined;
}

/** Which rules apply. */
export interface UnreadCallRules {
  /** Whether a body may show that a request is a model call. Not for a `fetch` that the whole application uses. */
  readonly byBody: boolean;
  /** Whether every POST counts that is certainly no other kind of call. */
  readonly every: boolean;
}

/** Where data is stored or queued: no call below these paths is a model call, at any host. */
const STORAGE = below([
  'files?|uploads?|downloads?|attachments|assets|containers|datasets|libraries',
  '(?:auth_|access-|single-use-)?tokens?|issueToken|oauth2?|client_secrets',
  '(?:file_)?batch(?:es)?|(?:async)?batch(?:Embed|Generate|Predict)\\w*',
  'vector_?stores?|fileSearchStores|rag(?:Corpora|Files)|corpora|knowledgebases|memory_stores|cachedContents',
  'fine[_-]?tun(?:ings?|es?)|\\w*tuningJobs|tunedModels|train(?:ings?)?|checkpoints',
]);

/** Where a text is counted or cut into tokens: certainly no model call, so it is not reported as one that was missed. */
const TOKENS = below([
  '(?:count|compute|input)[_-]?tokens|estimate-token-count',
  '(?:chat_)?tokenize(?:-text)?|detokenize|tokenizers?|tokenization',
]);

/** What a provider administers for its customers: no call below these paths is a model call either. */
const ADMINISTRATION = below([
  'organizations?|workspaces?|user_profiles|service-accounts|scim|billing|credits|auth|byok|vaults?|tunnels|compute',
  'evals?|evaluation|graders|observability|analytics|telemetry|webhooks?|webhook_endpoints|feedback',
  'skills|connectors|guardrails|environments|voices|voice_consents|convai|history|pronunciation-dict(?:ionarie)?s',
]);

/** Objects at a provider that a call makes or changes. Below them there may be model calls: `/threads/…/runs`. */
const OBJECT = at([
  '(?:assistants|agents|threads|conversations|sessions|deployments)(?:/(?!runs$)[^/:]+)?',
  '(?:chat/completions|runs|messages)/[^/]+',
  'messages|items|models|deployedModels|prompts|versions|tools|mcp|[a-z\\d]*jobs|operations|[a-z\\d]*stores|indexes|collections',
  'reasoningEngines|sessions/[^/]+/invocations',
  'projects|users|roles|keys?|secrets|login|[a-z\\d]*endpoints|resources|volumes|usage|health|metrics|traces|logs',
  'ingestion_pipeline_configurations',
]);

/** What happens to an object. */
const ACTION = at([
  'create|pull|push|copy|show|load|unload|download|blobs/[^/]+',
  'accept|activate|approve|archive|cancel(?:/[^/]+)?|clear|deactivate|fork|hangup|purge-queue',
  'pause|promote|refer|reject|resume|suspend|terminate|unpause|validate|fetchPredictOperation',
  '(?:un)?deployModel|(?:upsert|remove|readIndex)Datapoints|findNeighbors|searchNearestEntities|retrieveContexts|documents/search',
]);

function below(names: readonly string[]): RegExp {
  return new RegExp(`[/:](?:${names.join('|')})(?:[/:]|$)`, 'i');
}

function at(names: readonly string[]): RegExp {
  return new RegExp(`[/:_-](?:${names.join('|')})$`, 'i');
}

/** Where a provider whose hosts do much else serves models: in the host and the path. */
const ONLY_AT: ReadonlyMap<string, RegExp> = new Map([
  ['aws.bedrock', /^(?:[^/]*\.)?bedrock-(?:(?:runtime|mantle|agent-runtime)\.|agentcore\..*\/runtimes\/)/],
  ['clarifai', /\/outputs$|\/results$|\/openai\//],
  ['cloudflare', /^gateway\.ai\.|\/ai\/|\/ai-search$/],
  ['databricks', /\/serving-endpoints\//],
  ['deepgram', /\/(?:listen|speak|read)$/],
  ['hume', /\/tts(?:\/|$)|\/completions$/],
  ['leonardo', /\/(?:generations|variations)/],
  ['sglang', /\/(?:generate|encode|classify|invocations|vertex_generate)$|\/(?:v1|api)\//],
  ['snowflake', /\/cortex\/|\/agents\/[^/]+:run$/],
]);

/** Bedrock's agent that is described in the call: the path has the session that the call belongs to. */
const INLINE_AGENT = /^bedrock-agent-runtime\..*\/agents\/[^/]+$/;

const CONTENT_FIELDS = ['messages', 'input', 'prompt', 'contents', 'inputs', 'texts'];

const GRAPHQL_QUERY = /^\s*(?:(?:query|mutation|subscription|fragment)\b|\{)/;

/** A model call in a format that is not read. It becomes a plain step, named by method and path, and ended as HTTP shows. */
export interface UnreadCall {
  /** The model that it asks for: the `model` at the top of its JSON or form, or the `model_id`. */
  readonly model: string | undefined;
}

/** What a request is that is not recognized: `unread post` may have been a model call, and is counted; `other` is certainly none. */
export type UnreadKind = UnreadCall | 'unread post' | 'other';

/**
 * Decides what a request is that is not recognized.
 *
 * It is a call if it is a POST and one of these is true:
 * - its host is a known provider's, and its path is not that of something else (files, batches, stores…);
 * - its JSON body has a `model` and one of `messages`, `input`, `prompt`, `contents`, `inputs`, `texts`
 *   (`rules.byBody`);
 * - `rules.every` is set.
 *
 * It never is one if its body is JSON-RPC, GraphQL or a request for a token (`grant_type`), if it is multipart to a path
 * of files, or if it counts tokens (unless `rules.every`). Every other POST is counted, if `rules.byBody`.
 *
 * @example
 * const url = new URL('https://api.cohere.com/v2/classify');
 * unreadKindOf({ method: 'POST', url, body: '{"model":"m"}' }, { byBody: true, every: false }); // { model: 'm' }
 */
export function unreadKindOf(request: UnknownRequest, { byBody, every }: UnreadCallRules): UnreadKind {
  const { method, url } = request;
  if (method.toUpperCase() !== 'POST') return 'other';
  const path = withoutLastSlashes(url.pathname);
  const isStorage = STORAGE.test(path);
  if (isStorage && /^multipart\//i.test(request.contentType ?? '')) return 'other';
  if (TOKENS.test(path) && !every) return 'other';
  const isAtProvider = servesModels(url) && mayBeUnreadCall(url);
  if (!isAtProvider && !byBody && !every) return 'other';
  const body = readJson(request.body);
  if (isOtherKind(path, body, request.body)) return 'other';
  if (isAtProvider || every || (byBody && !isStorage && hasModelAndContent(body))) {
    const { model, model_id: id } = object(body ?? readJson(request.formFields)) ?? {};
    return { model: label(model ?? id) };
  }
  return byBody ? 'unread post' : 'other';
}

function readJson(body: UnknownRequest['body']): unknown {
  const json = body === undefined ? undefined : excerpt(body, ASKED).json;
  return json === undefined ? undefined : parseJson(json);
}

/** Whether a URL at a known provider may be that of a model call. */
export function mayBeUnreadCall({ hostname, pathname }: URL): boolean {
  const path = withoutLastSlashes(pathname);
  if (INLINE_AGENT.test(hostname + path)) return true;
  return ![STORAGE, TOKENS, ADMINISTRATION, OBJECT, ACTION].some((other) => other.test(path));
}

/** Whether a URL is a known provider's, and there may be models at it. */
export function servesModels(url: URL): boolean {
  const provider = providerOf(url);
  if (provider === undefined) return false;
  return ONLY_AT.get(provider)?.test(url.hostname + url.pathname) ?? true;
}

function hasModelAndContent(value: unknown): boolean {
  const body = object(value);
  if (label(body?.model) === undefined) return false;
  return CONTENT_FIELDS.some((name) => body?.[name] !== undefined && body[name] !== null);
}

const GRANT = /(?:^|&)grant_type=/;

/** A request for a token is no longer. */
const LONGEST_GRANT = 65_536;

function beginningOf(body: string | Uint8Array = ''): string {
  return typeof body === 'string'
    ? body.slice(0, LONGEST_GRANT)
    : new TextDecoder().decode(body.subarray(0, LONGEST_GRANT));
}

/** Whether a body says that the request is JSON-RPC, GraphQL or a request for a token. */
function isOtherKind(path: string, value: unknown, given: UnknownRequest['body']): boolean {
  const body = object(Array.isArray(value) ? value[0] : value);
  if (!body) return GRANT.test(beginningOf(given));
  if ('jsonrpc' in body || 'grant_type' in body) return true;
  const { query } = body;
  if (typeof query !== 'string') return /\/graphql$/i.test(path);
  return /\/graphql$/i.test(path) || 'variables' in body || 'operationName' in body || GRAPHQL_QUERY.test(query);
}
