/** The headers that OpenAI puts on everything. */
export function openAIHeaders(id: string): Record<string, string> {
  return {
    'x-request-id': `req_${id}`,
    'openai-processing-ms': '3',
    'openai-version': '2020-10-01',
    'x-ratelimit-limit-requests': '500',
    'x-ratelimit-remaining-requests': '499',
  };
}

/** The body that OpenAI sends with an error status. */
export function openAIFailure(status: number): { error: Record<string, unknown> } {
  const [type, code, message] = FAILURES[status] ?? (status >= 500 ? SERVER_ERROR : BAD_REQUEST);
  return { error: { message, type, param: null, code } };
}

type Failure = [type: string, code: string | null, message: string];

const SERVER_ERROR: Failure = [
  'server_error',
  null,
  'The server had an error while processing your request. Sorry about that!',
];
const BAD_REQUEST: Failure = ['invalid_request_error', null, 'We could not parse the JSON body of your request.'];

const FAILURES: Record<number, Failure> = {
  401: ['invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'],
  404: ['invalid_request_error', 'model_not_found', 'The model does not exist or you do not have access to it.'],
  429: [
    'requests',
    'rate_limit_exceeded',
    'Rate limit reached for requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms.',
  ],
  503: ['service_unavailable_error', null, 'The engine is currently overloaded, please try again later.'],
};
