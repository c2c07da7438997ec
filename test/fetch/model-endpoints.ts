/** The endpoints of the formats that are read, with what a server answers: whole, streamed, refused, with an error in a 200. */
import { jsonLines } from '../providers/recorded.js';
import { awsException, awsMessage } from '../providers/stream/aws-messages.js';

/** A body as a server sends it. */
export interface Sent {
  readonly body: string | Uint8Array;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a streamed answer is asked for with, where that differs from a whole one, and the answer. */
export interface Streamed extends Pick<Partial<Endpoint>, 'url' | 'body' | 'headers' | 'usage'> {
  readonly sent: Sent;
}

/** How an API says that it failed, and the `error.type` that it must be recorded with. */
export interface Failures {
  /** With a status of 400. */
  readonly refusal: Sent;
  readonly refusalType: string;
  /** With a status of 200. */
  readonly failure: Sent;
  readonly failureType: string;
  /** In the middle of a stream. */
  readonly event: string | Uint8Array;
  readonly eventType: string;
}

export interface Endpoint {
  readonly url: string;
  /** JSON, or a form with files. */
  readonly body: object;
  readonly operation: string;
  readonly provider: string;
  /** The model that is recorded. Default: `m`. */
  readonly model?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly answer: Sent;
  readonly stream?: Streamed;
  /** The tokens that an answer has, whole or streamed. */
  readonly usage?: readonly [input: number, output?: number];
  readonly failures: Failures;
}

const model = 'm';
const INPUT = 9;
const OUTPUT = 4;
const counted = [INPUT, OUTPUT] as const;

const json = (body: object, headers?: Sent['headers']): Sent => ({
  body: JSON.stringify(body),
  type: 'application/json',
  ...(headers && { headers }),
});
const sse = (...events: object[]) => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
const named = (...events: { type: string }[]) =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
const events = (body: string): Sent => ({ body, type: 'text/event-stream' });
const MESSAGE = 'It went wrong.';

/** Most APIs put an error into `error`. */
function failing(refusal: object, refusalType: string, failure: object, failureType: string): Failures {
  const [inBody, event] = [json({ error: failure }), sse({ error: failure })];
  return {
    refusal: json({ error: refusal }),
    refusalType,
    failure: inBody,
    failureType,
    event,
    eventType: failureType,
  };
}

const FAILURES = {
  openai: failing(
    { message: MESSAGE, type: 'invalid_request_error', param: null, code: 'model_not_found' },
    'model_not_found',
    { message: MESSAGE, type: 'server_error', param: null, code: null },
    'server_error',
  ),
  google: failing(
    { code: 400, message: MESSAGE, status: 'INVALID_ARGUMENT' },
    'INVALID_ARGUMENT',
    { code: 503, message: MESSAGE, status: 'UNAVAILABLE' },
    'UNAVAILABLE',
  ),
  gateway: {
    ...failing(
      { message: MESSAGE, type: 'model_not_found' },
      'model_not_found',
      { message: MESSAGE, type: 'internal_server_error' },
      'internal_server_error',
    ),
    event: sse({ type: 'error', error: { message: MESSAGE, type: 'internal_server_error' } }),
  },
  cohere: {
    refusal: json({ id: 'x', message: MESSAGE }),
    refusalType: '400',
    failure: json({ id: 'x', message: MESSAGE }),
    failureType: 'provider_error',
    event: named({ type: 'message-end', ...{ delta: { finish_reason: 'ERROR', error: MESSAGE } } }),
    eventType: 'provider_error',
  },
  ollama: {
    refusal: json({ error: MESSAGE }),
    refusalType: '400',
    failure: json({ error: MESSAGE }),
    failureType: 'provider_error',
    event: jsonLines({ error: MESSAGE }),
    eventType: 'provider_error',
  },
  mistral: {
    refusal: json({ object: 'error', message: MESSAGE, type: 'invalid_model', param: null, code: null }),
    refusalType: 'invalid_model',
    failure: json({ object: 'error', message: MESSAGE, type: 'internal_server_error', param: null, code: null }),
    failureType: 'internal_server_error',
    event: named({ type: 'conversation.response.error', ...{ message: MESSAGE, code: 3000 } }),
    eventType: '3000',
  },
  bedrock: {
    refusal: json({ message: MESSAGE }, { 'x-amzn-errortype': 'ValidationException:http://internal.amazon.com/' }),
    refusalType: 'ValidationException',
    failure: json({ message: MESSAGE }),
    failureType: 'provider_error',
    event: awsException('modelStreamErrorException', { message: MESSAGE }),
    eventType: 'modelStreamErrorException',
  },
} satisfies Record<string, Failures>;

const messages = [{ role: 'user', content: 'Hi' }];

// Bedrock

const ARN = 'arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0';
const PROMPT_ROUTER = 'arn:aws:bedrock:eu-central-1:123456789012:default-prompt-router/anthropic.claude:1';
const converse = { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] };
const converseUsage = { usage: { inputTokens: INPUT, outputTokens: OUTPUT, totalTokens: INPUT + OUTPUT } };
const AWS_EVENTS = 'application/vnd.amazon.eventstream';
const EVERY_FAMILY = {
  headers: { 'x-amzn-bedrock-input-token-count': `${INPUT}`, 'x-amzn-bedrock-output-token-count': `${OUTPUT}` },
  metrics: { 'amazon-bedrock-invocationMetrics': { inputTokenCount: INPUT, outputTokenCount: OUTPUT } },
};

const novaMessage = {
  output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
  stopReason: 'end_turn',
};
const novaEvents = [
  ['messageStart', { role: 'assistant' }],
  ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hello' } }],
  ['messageStop', { stopReason: 'end_turn' }],
  ['metadata', converseUsage],
] as const;

function converseAt(path: string, modelName = decodeURIComponent(path)): Endpoint {
  const at = (method: string) => `https://bedrock-runtime.eu-central-1.amazonaws.com/model/${path}/${method}`;
  const sent = Buffer.concat(novaEvents.map(([type, event]) => awsMessage(type, event)));
  return {
    url: at('converse'),
    body: converse,
    operation: 'chat',
    provider: 'aws.bedrock',
    model: modelName,
    usage: counted,
    answer: json({ ...novaMessage, ...converseUsage }),
    stream: { url: at('converse-stream'), sent: { body: sent, type: AWS_EVENTS } },
    failures: FAILURES.bedrock,
  };
}

/** InvokeModel: the model's own request, answer and, if it streams, the parts of its stream. */
function invoke(path: string, body: object, answer: object, parts?: readonly object[], operation = 'chat'): Endpoint {
  const at = (method: string) => `https://bedrock-runtime.eu-central-1.amazonaws.com/model/${path}/${method}`;
  const chunks = parts?.map((part, index) => {
    const whole = JSON.stringify(index === parts.length - 1 ? { ...part, ...EVERY_FAMILY.metrics } : part);
    return awsMessage('chunk', { bytes: Buffer.from(whole).toString('base64') });
  });
  return {
    url: at('invoke'),
    body,
    operation,
    provider: 'aws.bedrock',
    model: decodeURIComponent(path),
    usage: counted,
    answer: json(answer, EVERY_FAMILY.headers),
    ...(chunks && {
      stream: { url: at('invoke-with-response-stream'), sent: { body: Buffer.concat(chunks), type: AWS_EVENTS } },
    }),
    failures: FAILURES.bedrock,
  };
}

const claude = { anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, messages };
const claudeMessage = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  content: [{ type: 'text', text: 'Hello' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: INPUT, output_tokens: OUTPUT },
};
const claudeEvents = [
  { type: 'message_start', message: { ...claudeMessage, content: [], stop_reason: null } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: OUTPUT } },
  { type: 'message_stop' },
];
const chatUsage = { prompt_tokens: INPUT, completion_tokens: OUTPUT, total_tokens: INPUT + OUTPUT };
const chatAnswer = {
  id: 'c1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  usage: chatUsage,
};
const chatChunks = [
  { id: 'c1', choices: [{ index: 0, delta: { role: 'assistant', content: 'Hel' }, finish_reason: null }] },
  { id: 'c1', choices: [{ index: 0, delta: { content: 'lo' }, finish_reason: null }] },
  { id: 'c1', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: chatUsage },
];
const commandR = [
  { event_type: 'stream-start', is_finished: false },
  { event_type: 'text-generation', is_finished: false, text: 'Hello' },
  { event_type: 'stream-end', is_finished: true, finish_reason: 'COMPLETE', response: {} },
];
const VECTOR = [0.25, -0.5];

const BEDROCK: readonly Endpoint[] = [
  converseAt('anthropic.claude-v3'),
  converseAt('eu.amazon.nova-lite-v1%3A0'),
  converseAt(encodeURIComponent(ARN)),
  converseAt(ARN),
  converseAt(encodeURIComponent(PROMPT_ROUTER)),
  invoke('anthropic.claude', claude, claudeMessage, claudeEvents),
  invoke(encodeURIComponent(ARN), claude, claudeMessage, claudeEvents),
  invoke(
    'anthropic.claude-v2',
    { prompt: 'Hi', max_tokens_to_sample: 9 },
    { completion: 'Hello', stop_reason: 'stop' },
    [
      { completion: 'Hel', stop_reason: null },
      { completion: 'lo', stop_reason: 'stop_sequence' },
    ],
  ),
  invoke(
    'amazon.nova-lite',
    { schemaVersion: 'messages-v1', ...converse },
    { ...novaMessage, ...converseUsage },
    novaEvents.map(([type, event]) => ({ [type]: event })),
  ),
  invoke('amazon.titan-text', { inputText: 'Hi' }, { results: [{ outputText: 'Hello', completionReason: 'FINISH' }] }, [
    { outputText: 'Hel', index: 0, completionReason: null },
    { outputText: 'lo', index: 0, completionReason: 'FINISH' },
  ]),
  invoke('meta.llama4', { prompt: 'Hi', max_gen_len: 9 }, { generation: 'Hello', stop_reason: 'stop' }, [
    { generation: 'Hel', stop_reason: null },
    { generation: 'lo', stop_reason: 'stop' },
  ]),
  invoke('mistral.mistral-7b', { prompt: 'Hi' }, { outputs: [{ text: 'Hello', stop_reason: 'stop' }] }, [
    { outputs: [{ text: 'Hel', stop_reason: null }] },
    { outputs: [{ text: 'lo', stop_reason: 'stop' }] },
  ]),
  invoke(
    'cohere.command-r',
    { message: 'Hi', chat_history: [] },
    { text: 'Hello', finish_reason: 'COMPLETE' },
    commandR,
  ),
  invoke('cohere.command', { prompt: 'Hi' }, { generations: [{ text: 'Hello', finish_reason: 'COMPLETE' }] }, [
    { text: 'Hello', is_finished: false },
    { is_finished: true, finish_reason: 'COMPLETE' },
  ]),
  invoke('deepseek.r1', { prompt: 'Hi' }, { choices: [{ text: 'Hello', stop_reason: 'stop' }] }, [
    { choices: [{ text: 'Hello', stop_reason: null }] },
    { choices: [{ text: '', stop_reason: 'stop' }] },
  ]),
  invoke('twelvelabs.pegasus', { inputPrompt: 'Hi', mediaSource: {} }, { message: 'Hello', finishReason: 'stop' }, [
    { message: 'Hello' },
    { message: '', finishReason: 'stop' },
  ]),
  ...['mistral.large', 'ai21.jamba', 'writer.palmyra', 'openai.gpt-oss', 'qwen.qwen3'].map((name) =>
    invoke(name, { messages }, chatAnswer, chatChunks),
  ),
  invoke('amazon.titan-embed', { inputText: 'Hi' }, { embedding: VECTOR }, undefined, 'embeddings'),
  invoke('cohere.embed', { texts: ['Hi'] }, { embeddings: [VECTOR], response_type: 'x' }, undefined, 'embeddings'),
  invoke('cohere.rerank', { query: 'a', documents: ['a'] }, { results: [{ index: 0 }] }, undefined, 'rerank'),
  invoke('stability.sd3', { prompt: 'A cat' }, { images: ['AAAA'] }, undefined, 'generate_content'),
];

// The AI Gateway

function gateway(
  kind: string,
  body: object,
  operation: string,
  answer: object,
  rest: Partial<Endpoint> = {},
): Endpoint {
  return {
    url: `https://ai-gateway.vercel.sh/v4/ai/${kind}-model`,
    body,
    operation,
    provider: 'vercel',
    headers: { 'ai-model-id': model, 'ai-language-model-id': model },
    answer: json(answer),
    failures: FAILURES.gateway,
    ...rest,
  };
}

const aiPrompt = { prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] };
const aiUsage = { inputTokens: { total: INPUT }, outputTokens: { total: OUTPUT } };
const aiFinish = { finishReason: { unified: 'stop', raw: 'stop' }, usage: aiUsage };
const gatewayStream = sse(
  { type: 'stream-start', warnings: [] },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'Hello' },
  { type: 'text-end', id: '1' },
  { type: 'finish', ...aiFinish },
);

const GATEWAY: readonly Endpoint[] = [
  gateway(
    'language',
    aiPrompt,
    'chat',
    { content: [{ type: 'text', text: 'Hello' }], ...aiFinish },
    {
      usage: counted,
      stream: {
        headers: { 'ai-language-model-id': model, 'ai-language-model-streaming': 'true' },
        sent: events(gatewayStream),
      },
    },
  ),
  gateway(
    'embedding',
    { values: ['a'] },
    'embeddings',
    { embeddings: [VECTOR], usage: { tokens: INPUT } },
    { usage: [INPUT] },
  ),
  gateway('reranking', { query: 'a', documents: { type: 'text', values: ['a'] } }, 'rerank', {
    ranking: [{ index: 0 }],
  }),
  gateway('decision', { stateParts: [], questions: [] }, 'generate_content', { answers: [{}] }),
  gateway('image', { prompt: 'A cat', n: 1 }, 'generate_content', { images: ['AAAA'] }),
  gateway(
    'video',
    { prompt: 'A cat' },
    'generate_content',
    { videos: [{}] },
    {
      stream: {
        sent: events(`: heartbeat\n\n${sse({ type: 'result', videos: [{ type: 'url', url: 'https://a/b' }] })}`),
      },
    },
  ),
  gateway('speech', { text: 'Hi' }, 'generate_content', { audio: 'AAAA' }),
  gateway('transcription', { audio: 'x', mediaType: 'audio/mp3' }, 'generate_content', { text: 'Hi', segments: [] }),
];

// The providers with APIs of their own, and OpenAI's calls that are no chat

type Rest = Pick<Endpoint, 'answer'> & Partial<Endpoint>;

const at =
  (host: string, provider: string, failures: Failures) =>
  (path: string, body: object, operation: string, rest: Rest): Endpoint => ({
    url: `${host}${path}`,
    body,
    operation,
    provider,
    failures,
    ...rest,
  });

const openAI = at('https://api.openai.com/v1', 'openai', FAILURES.openai);
const google = at('https://generativelanguage.googleapis.com/v1beta/models', 'gcp.gemini', FAILURES.google);
const vertex = at(
  'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers',
  'gcp.vertex_ai',
  FAILURES.google,
);
const ollama = at('http://127.0.0.1:11434/api', 'ollama', FAILURES.ollama);
const cohere = at('https://api.cohere.com', 'cohere', FAILURES.cohere);
const mistral = at('https://api.mistral.ai/v1', 'mistral_ai', FAILURES.mistral);

const billed = { meta: { billed_units: { input_tokens: INPUT } } };
const cohereUsage = { usage: { tokens: { input_tokens: INPUT, output_tokens: OUTPUT } } };
const cohereStream = named(
  { type: 'message-start', ...{ id: 'c1', delta: { message: { role: 'assistant' } } } },
  { type: 'content-start', ...{ index: 0, delta: { message: { content: { type: 'text', text: '' } } } } },
  { type: 'content-delta', ...{ index: 0, delta: { message: { content: { text: 'Hello' } } } } },
  { type: 'content-end', ...{ index: 0 } },
  { type: 'message-end', ...{ delta: { finish_reason: 'COMPLETE', ...cohereUsage } } },
);
const COHERE: readonly Endpoint[] = [
  cohere('/v2/chat', { model, messages }, 'chat', {
    usage: counted,
    answer: json({
      id: 'c1',
      finish_reason: 'COMPLETE',
      message: { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] },
      ...cohereUsage,
    }),
    stream: { body: { model, messages, stream: true }, sent: events(cohereStream) },
  }),
  cohere('/v2/embed', { model, texts: ['a'] }, 'embeddings', {
    usage: [INPUT],
    answer: json({ id: 'e1', embeddings: { float: [VECTOR] }, ...billed }),
  }),
  cohere('/v2/rerank', { model, query: 'a', documents: ['a'] }, 'rerank', {
    answer: json({
      id: 'r1',
      results: [{ index: 0, relevance_score: 1 }],
      meta: { billed_units: { search_units: 1 } },
    }),
  }),
];

const ollamaEnd = { model, done: true, done_reason: 'stop', prompt_eval_count: INPUT, eval_count: OUTPUT };
const ollamaLines = (part: (text: string) => object): Streamed['sent'] => ({
  body: jsonLines(
    { model, done: false, ...part('Hel') },
    { model, done: false, ...part('lo') },
    { ...part(''), ...ollamaEnd },
  ),
  type: 'application/x-ndjson',
});
const said = (content: string) => ({ message: { role: 'assistant', content } });
const generated = (response: string) => ({ response });
const OLLAMA: readonly Endpoint[] = [
  ollama('/chat', { model, messages, stream: false }, 'chat', {
    usage: counted,
    answer: json({ ...said('Hello'), ...ollamaEnd }),
    stream: { body: { model, messages }, sent: ollamaLines(said) },
  }),
  ollama('/generate', { model, prompt: 'Hi', stream: false }, 'text_completion', {
    usage: counted,
    answer: json({ ...generated('Hello'), ...ollamaEnd }),
    stream: { body: { model, prompt: 'Hi' }, sent: ollamaLines(generated) },
  }),
  ollama('/embed', { model, input: 'Hi' }, 'embeddings', {
    usage: [INPUT],
    answer: json({ model, embeddings: [VECTOR], prompt_eval_count: INPUT }),
  }),
  ollama('/embeddings', { model, prompt: 'Hi' }, 'embeddings', { answer: json({ embedding: VECTOR }) }),
];

const conversation = {
  usage: counted,
  answer: json({
    object: 'conversation.response',
    conversation_id: 'conv_1',
    outputs: [{ object: 'entry', type: 'message.output', role: 'assistant', content: 'Hello', model }],
    usage: chatUsage,
  }),
  stream: {
    body: { model, inputs: 'Hi', stream: true },
    sent: events(
      named(
        { type: 'conversation.response.started', ...{ conversation_id: 'conv_1' } },
        { type: 'message.output.delta', ...{ output_index: 0, content_index: 0, model, content: 'Hello' } },
        { type: 'conversation.response.done', ...{ usage: chatUsage } },
      ),
    ),
  },
};
const chatStream = (body: object): Streamed => ({
  body: { ...body, stream: true },
  sent: events(`${sse(...chatChunks)}data: [DONE]\n\n`),
});
const ofOpenAI = { failures: { ...FAILURES.mistral, event: FAILURES.openai.event, eventType: 'server_error' } };
const agent = { model, agent_id: 'a', messages };
const fim = { model, prompt: 'a', suffix: 'b' };
const MISTRAL: readonly Endpoint[] = [
  mistral('/conversations', { model, inputs: 'Hi' }, 'chat', conversation),
  mistral('/conversations/conv_1', { model, inputs: 'Hi' }, 'chat', conversation),
  mistral('/conversations/conv_1/restart', { model, inputs: 'Hi' }, 'chat', conversation),
  mistral('/agents/completions', agent, 'chat', {
    ...ofOpenAI,
    usage: counted,
    answer: json(chatAnswer),
    stream: chatStream(agent),
  }),
  mistral('/fim/completions', fim, 'text_completion', {
    ...ofOpenAI,
    usage: counted,
    answer: json(chatAnswer),
    stream: chatStream(fim),
  }),
  mistral('/ocr', { model, document: { type: 'file', file_id: 'f' } }, 'generate_content', {
    answer: json({ pages: [{ index: 0, markdown: '# Hi' }], model, usage_info: { pages_processed: 1 } }),
  }),
];

/** A form, of which only the texts are read. */
const form = () => {
  const body = new FormData();
  body.set('model', model);
  body.set('file', new Blob(['x']), 'x.mp3');
  return body;
};
const tokens = { input_tokens: INPUT, output_tokens: OUTPUT, total_tokens: INPUT + OUTPUT };
const image = { model, prompt: 'A cat' };
const images = (kind: string): Sent =>
  events(
    named(
      { type: `${kind}.partial_image`, ...{ b64_json: 'AAAA', partial_image_index: 0 } },
      { type: `${kind}.completed`, ...{ b64_json: 'AAAA', usage: tokens } },
    ),
  );
const picture = json({ created: 1, data: [{ b64_json: 'AAAA' }], usage: tokens });
const transcript = json({ text: 'Hello', usage: { type: 'tokens', ...tokens } });
const transcriptEvents = events(
  named(
    { type: 'transcript.text.delta', ...{ delta: 'Hello' } },
    { type: 'transcript.text.done', ...{ text: 'Hello', usage: { type: 'tokens', ...tokens } } },
  ),
);
const speech = { model, input: 'Hi', voice: 'alloy' };
const speechEvents = events(
  named({ type: 'speech.audio.delta', ...{ audio: 'AAAA' } }, { type: 'speech.audio.done', ...{ usage: tokens } }),
);
const media = 'generate_content';
const OPENAI: readonly Endpoint[] = [
  openAI('/images/generations', image, media, {
    usage: counted,
    answer: picture,
    stream: { body: { ...image, stream: true, partial_images: 1 }, sent: images('image_generation') },
  }),
  openAI('/images/edits', form(), media, {
    usage: counted,
    answer: picture,
    stream: { sent: images('image_edit') },
  }),
  openAI('/images/variations', form(), media, { answer: json({ created: 1, data: [{ url: 'x' }] }) }),
  openAI('/audio/speech', speech, media, {
    answer: { body: Buffer.from([0xff, 0xfb, ...Array(500).fill(1)]), type: 'audio/mpeg' },
    stream: { body: { ...speech, stream_format: 'sse' }, sent: speechEvents, usage: counted },
  }),
  openAI('/audio/transcriptions', form(), media, {
    usage: counted,
    answer: transcript,
    stream: { sent: transcriptEvents },
  }),
  openAI('/audio/translations', form(), media, { answer: json({ text: 'Hello' }) }),
  openAI('/moderations', { model, input: 'Hi' }, 'moderation', {
    answer: json({ id: 'modr-1', model, results: [{ flagged: false }] }),
  }),
  openAI('/decisions', { model, input: 'Hi', questions: [] }, media, {
    usage: counted,
    answer: json({ model, answers: [{}], usage: tokens }),
  }),
  openAI('/responses/compact', { model, input: 'Hi' }, 'chat', {
    usage: counted,
    answer: json({ id: 'resp_1', object: 'response.compaction', output: [{ type: 'compaction' }], usage: tokens }),
  }),
];

const predictions = (count: number) => ({
  predictions: [{ embeddings: { values: VECTOR, statistics: { truncated: false, token_count: count } } }],
});
const chat = { messages };
const GOOGLE: readonly Endpoint[] = [
  google('/m:embedContent', { content: { parts: [{ text: 'a' }] } }, 'embeddings', {
    usage: [INPUT],
    answer: json({ embedding: { values: VECTOR }, usageMetadata: { promptTokenCount: INPUT } }),
  }),
  google('/m:batchEmbedContents', { requests: [{ content: {} }] }, 'embeddings', {
    answer: json({ embeddings: [{ values: VECTOR }] }),
  }),
  google('/imagen-m:predict', { instances: [{ prompt: 'A cat' }] }, media, {
    model: 'imagen-m',
    answer: json({ predictions: [{ mimeType: 'image/png', bytesBase64Encoded: 'AAAA' }] }),
  }),
  vertex('/google/models/text-embedding-m:predict', { instances: [{ content: 'a' }] }, 'embeddings', {
    model: 'text-embedding-m',
    usage: [INPUT],
    answer: json(predictions(INPUT)),
  }),
  vertex('/google/models/m:embedContent', { content: { parts: [{ text: 'a' }] } }, 'embeddings', {
    usage: [INPUT],
    answer: json({ embedding: { values: VECTOR }, usageMetadata: { promptTokenCount: INPUT } }),
  }),
  vertex('/mistralai/models/m:rawPredict', chat, 'chat', {
    usage: counted,
    answer: json(chatAnswer),
    stream: {
      ...chatStream(chat),
      url: 'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/mistralai/models/m:streamRawPredict',
    },
  }),
];

export const ENDPOINTS: readonly Endpoint[] = [
  ...BEDROCK,
  ...GATEWAY,
  ...COHERE,
  ...OLLAMA,
  ...MISTRAL,
  ...OPENAI,
  ...GOOGLE,
];
