/** Does the work of a plan through the public surface, and gives the bytes that were exported of it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  type Capture,
  createRecorder,
  type Recorder,
  recordingFetch,
  reportStatus,
  StatusPrioritySpanProcessor,
} from 'runtrace';
import { OTLPFileExporter } from 'runtrace/exporter';
import { ANSWER_HEADER, type AnsweringServer } from './answering-server.js';
import type { Plan } from './plan.js';
import type { Random } from './random.js';

export interface PlayOptions {
  readonly plan: Plan;
  readonly random: Random;
  readonly capture: Capture;
  /** How many characters of the plan's body are sent before the connection breaks. */
  readonly arrived: number;
  readonly bodyBytes: number;
}

export interface Stage {
  /** Resolves with the id of the trace. What happens to the calls is nothing to the caller. */
  play(options: PlayOptions): Promise<string>;
  /** Ends it, and gives what was exported: the lines of the file by trace. Nothing else is in it. */
  exported(): Promise<Map<string, string>>;
}

const encoder = new TextEncoder();

export function openStage(server: AnsweringServer): Stage {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-redact-'));
  const path = join(directory, 'spans.jsonl');
  const provider = new BasicTracerProvider({
    spanProcessors: [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(new OTLPFileExporter({ path }))],
  });
  return {
    async play({ capture, bodyBytes, ...options }) {
      const recorder = createRecorder({ tracerProvider: provider, capture, limits: { bodyBytes } });
      let traceId = '';
      await recorder
        .run(options.plan.run, async (run) => {
          traceId = run.traceId;
          await new Work(recorder, provider, server, options).all();
          if (options.random.chance(0.5)) run.finish('error', options.plan.details);
          if (options.random.chance(0.5)) throw options.plan.thrown;
        })
        .catch(() => {});
      return traceId;
    },
    async exported() {
      await provider.shutdown();
      const lines = new Map<string, string>();
      for (const line of readFileSync(path, 'utf8').split('\n')) {
        const traceId = /"traceId":"([0-9a-f]{32})"/.exec(line)?.[1];
        if (traceId) lines.set(traceId, `${lines.get(traceId) ?? ''}${line}\n`);
        else if (line !== '') throw new Error(`a line without a trace: ${line.slice(0, 100)}`);
      }
      rmSync(directory, { recursive: true });
      return lines;
    },
  };
}

class Work {
  readonly #recorder: Recorder;
  readonly #provider: BasicTracerProvider;
  readonly #server: AnsweringServer;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #arrived: number;

  constructor(
    recorder: Recorder,
    provider: BasicTracerProvider,
    server: AnsweringServer,
    { plan, random, arrived }: Omit<PlayOptions, 'capture' | 'bodyBytes'>,
  ) {
    this.#recorder = recorder;
    this.#provider = provider;
    this.#server = server;
    this.#plan = plan;
    this.#random = random;
    this.#arrived = arrived;
  }

  async all(): Promise<void> {
    await this.#useTool();
    await this.#stepOfAnyCall().catch(() => {});
    await this.#stepByHand().catch(() => {});
    if (this.#random.chance(0.7)) await this.#modelCall();
    else await this.#callInForeignSpan();
  }

  async #useTool(): Promise<void> {
    const { tool, toolResult, thrown } = this.#plan;
    await this.#recorder.tool(tool, () => toolResult);
    const failing = this.#recorder.tool(tool, () => {
      throw thrown;
    });
    await failing.catch(() => {});
  }

  /** Everything that an explicit step sends is an attempt of it. */
  #stepOfAnyCall(): Promise<void> {
    const { step, path, requestHeaders, requestBody, responseHeaders, responseBody, details, thrown } = this.#plan;
    return this.#recorder.step(step, async ({ finish }) => {
      const arrived = responseBody.slice(0, this.#arrived);
      const answer = this.#server.expect({
        status: this.#random.pick([200, 400, 500]),
        headers: responseHeaders,
        chunks: this.#cut(arrived),
        breaks: arrived.length < responseBody.length,
      });
      const headers = { ...requestHeaders, [ANSWER_HEADER]: answer };
      await consume(recordingFetch(this.#atServer(path), { method: 'POST', headers, body: requestBody }));
      if (this.#random.chance(0.5)) finish('error', details);
      if (this.#random.chance(0.5)) finish('completed', details);
      else throw thrown;
    });
  }

  async #stepByHand(): Promise<void> {
    const { url, requestHeaders, requestBody, responseHeaders, responseBody, errorType, thrown } = this.#plan;
    await this.#recorder.step({}, ({ attempts }) => {
      attempts.record({
        number: attempts.next(),
        status: 'failed',
        startedAt: Date.now(),
        endedAt: Date.now(),
        url,
        errorType,
        requestHeaders: { ...requestHeaders },
        requestBody,
        responseHeaders: { ...responseHeaders },
        responseBody,
        error: thrown,
      });
      throw Object.assign(new Error('fetch failed'), { cause: networkError(errorType) });
    });
  }

  /** In a step of its own. Its answer may break off anywhere. */
  async #modelCall(): Promise<void> {
    const { path, request, events, error } = this.#plan.model;
    const refused = this.#random.chance(0.3);
    const text = refused ? JSON.stringify(error) : events.map(eventText).join('');
    const breaks = this.#plan.mayBreak && this.#random.chance(0.3);
    const arrived = breaks ? text.slice(0, this.#random.integer(0, text.length)) : text;
    const answer = this.#server.expect({
      status: refused ? this.#random.pick([400, 401]) : 200,
      headers: { 'content-type': refused ? 'application/json' : 'text/event-stream' },
      chunks: this.#cut(arrived),
      breaks,
    });
    const headers = { 'content-type': 'application/json', [ANSWER_HEADER]: answer };
    const body = JSON.stringify(request);
    await consume(recordingFetch(this.#server.origin + path, { method: 'POST', headers, body }));
  }

  async #callInForeignSpan(): Promise<void> {
    const span = this.#provider
      .getTracer('another')
      .startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } });
    await context.with(trace.setSpan(context.active(), span), () => this.#modelCall());
    reportStatus(span, 'error', this.#plan.details);
    span.end();
  }

  /** The server's own URL with everything of another one behind the host, and its user info. */
  #atServer(url: string): string {
    const given = new URL(url, this.#server.origin);
    const { host } = new URL(this.#server.origin);
    const userInfo = given.username === '' ? '' : `${given.username}:${given.password}@`;
    return `http://${userInfo}${host}${given.pathname}${given.search}${given.hash}`;
  }

  /** In up to three chunks, cut anywhere, inside of characters too. */
  #cut(text: string): Uint8Array[] {
    const bytes = encoder.encode(text);
    const borders = Array.from({ length: this.#random.integer(0, 2) }, () => this.#random.integer(0, bytes.length));
    const all = [0, ...borders.sort((a, b) => a - b), bytes.length];
    return all.slice(1).map((end, index) => bytes.subarray(all[index], end));
  }
}

async function consume(call: Promise<Response>): Promise<void> {
  try {
    await (await call).text();
  } catch {
    // What the call comes to is told by the recording alone.
  }
}

function networkError(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

function eventText(event: object | string): string {
  return `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`;
}
