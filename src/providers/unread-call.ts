/** Model calls whose format is not read: which requests become plain steps, so that no model call vanishes. */
import { label, object, parseJson } from '../util/json-fields.js';
import { providerOf } from './provider-names.js';

/** A request that {@link readModelCall} does not recognize. */
export interface UnknownRequest {
  readonly method: string;
  readonly url: URL;
  /** The body as text; `undefined` if it could not be read. */
  readonly bodyText: string | undefined;
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

/**
 * Paths at a provider that serve something else than a model call: files, tokens, batches, stores, models and their
 * training, agents and conversations as objects, the administration of an account, telemetry.
 */
const OTHER_PATH = new RegExp(
  `(?:^|[/:_-])(?:${[
    'files?|uploads?|downloads?|attachments|containers|images/uploads',
    'tokens?|tokenize|detokenize|count_?tokens|client_secrets|sessions|oauth2?|auth|keys|login',
    'batch(?:es)?|batch(?:Generate|Predict)\\w*|jobs|operations|cancel',
    'vector_stores|stores|datasets|indexes|collections|cachedContents|connectors|libraries',
    'models|tunedModels|fine_?tun(?:ing|es?)|finetuning|training|evals|graders|checkpoints',
    'assistants|threads|messages|conversations|agents|tools|mcp|webhooks',
    'organizations?|projects|users|billing|usage|health|metrics|traces|logs|feedback|telemetry',
  ].join('|')})$`,
  'i',
);

/** Objects of which everything below is something else than a model call too. */
const OTHER_FOLDER =
  /\/(?:files|uploads?|batch(?:es)?|vector_stores|fine_?tun(?:ing|es)|finetuning|organizations?|evals|containers|datasets|oauth2?)\//i;

/** Hosts of a provider that serve model calls below one path only. */
const ONLY_PATH: readonly (readonly [host: string, path: RegExp])[] = [['api.cloudflare.com', /\/ai\//]];

const CONTENT_FIELDS = ['messages', 'input', 'prompt', 'contents', 'inputs', 'texts'];

const GRAPHQL_QUERY = /^\s*(?:(?:query|mutation|subscription|fragment)\b|\{)/;

/**
 * Whether a request that is not recognized counts as a model call. Then it becomes a plain step, named by method and
 * path, that ends as HTTP shows.
 *
 * It counts if it is a POST and one of these is true:
 * - its host is a known provider's, and its path is not that of something else (files, tokens, batches, stores…);
 * - its JSON body has a `model` and one of `messages`, `input`, `prompt`, `contents`, `inputs`, `texts`
 *   (`rules.byBody`);
 * - `rules.every` is set.
 *
 * It never counts if its body is JSON-RPC, GraphQL or a request for a token (`grant_type`), or if it is multipart to a
 * path of files.
 *
 * @example
 * const url = new URL('https://api.cohere.com/v2/classify');
 * isUnreadModelCall({ method: 'POST', url, bodyText: '{}' }, { byBody: true, every: false }); // true
 */
export function isUnreadModelCall(request: UnknownRequest, rules: UnreadCallRules): boolean {
  const { method, url, bodyText } = request;
  if (method.toUpperCase() !== 'POST') return false;
  const path = url.pathname.replace(/\/+$/, '');
  const isOtherPath = OTHER_PATH.test(path) || OTHER_FOLDER.test(path);
  if (isOtherPath && /^multipart\//i.test(request.contentType ?? '')) return false;
  const isAtProvider = !isOtherPath && providerOf(url) !== undefined && servesModels(url);
  const mayTellByBody = rules.byBody && bodyText?.includes('"model"') === true;
  if (!isAtProvider && !rules.every && !mayTellByBody) return false;
  const body = bodyText === undefined ? undefined : parseJson(bodyText);
  if (isOtherKind(path, body, bodyText)) return false;
  return isAtProvider || rules.every || (mayTellByBody && !isOtherPath && hasModelAndContent(body));
}

function servesModels(url: URL): boolean {
  const only = ONLY_PATH.find(([host]) => host === url.hostname);
  return !only || only[1].test(url.pathname);
}

function hasModelAndContent(value: unknown): boolean {
  const body = object(value);
  if (label(body?.model) === undefined) return false;
  return CONTENT_FIELDS.some((name) => body?.[name] !== undefined && body[name] !== null);
}

/** Whether a body says that the request is JSON-RPC, GraphQL or a request for a token. */
function isOtherKind(path: string, value: unknown, bodyText: string | undefined): boolean {
  const body = object(Array.isArray(value) ? value[0] : value);
  if (!body) return /(?:^|&)grant_type=/.test(bodyText ?? '');
  if ('jsonrpc' in body || 'grant_type' in body) return true;
  const { query } = body;
  if (typeof query !== 'string') return /\/graphql$/i.test(path);
  return /\/graphql$/i.test(path) || 'variables' in body || 'operationName' in body || GRAPHQL_QUERY.test(query);
}
