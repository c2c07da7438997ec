/** One cell of the matrix: an application on one runtime, with one set-up of OpenTelemetry, into which runtrace goes by one way. */
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { type Client, makeClient } from './clients.js';
import { type MakeClient, moduleOf, type OtherClient } from './others/other-client.js';
import { playAll } from './plays.js';

/** How runtrace gets to know of the calls of `openai` or the AI SDK; or another client, by its option `fetch`. */
export type Way = 'fetch option' | 'register' | 'AI SDK telemetry' | 'wrapModel' | OtherClient;

/** The module beside this one that starts OpenTelemetry. */
export type SetUpName = 'basic-provider' | 'node-provider' | 'node-sdk' | 'trace-provider';

/** What a cell is told by who starts it. */
export interface CellOptions {
  setUp: SetUpName;
  way: Way;
  /** Whether `runtrace/register` is loaded before the application, by an option of the runtime. */
  preloaded: boolean;
  /** The model provider's URL. */
  provider: string;
  /** Who wants to know how far it is. */
  control: string;
  /** Set apart from all others: a part of every model's name. */
  id: string;
}

/** OpenTelemetry, started. */
export interface Tracing {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Starts OpenTelemetry as an application does, with `exporter` for what leaves it. */
export type Start = (exporter: SpanProcessor) => Tracing;

/** Plays everything; says so when all that is over must have been exported; ends what is still open. */
export async function playCell(options: CellOptions, tracing: Tracing, importOther: ImportOther): Promise<void> {
  const client = await clientOf(options, importOther);
  await playAll({ ...client, model: (name) => `${name}.${options.id}` });
  await tracing.forceFlush();
  await fetch(options.control, { method: 'POST', body: options.id });
  await tracing.shutdown();
}

/** Imports the module of another client. Only the one that is asked for is loaded, or in the bundle of a worker. */
type ImportOther = (module: string) => Promise<{ make: MakeClient }>;

async function clientOf(options: CellOptions, importOther: ImportOther): Promise<Client> {
  const { way, provider } = options;
  return isOwnWay(way) ? makeClient[way](options) : (await importOther(moduleOf(way))).make(provider, way);
}

function isOwnWay(way: Way): way is keyof typeof makeClient {
  return Object.hasOwn(makeClient, way);
}
