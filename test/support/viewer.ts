/** A real `runtrace view` in a process of its own, and what its page would be told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunDetail, RunList, RunRow } from '../../src/view/model.js';
import { outputOf } from './output.js';
import { freePorts } from './server-process.js';
import { until } from './until.js';

const BIN = fileURLToPath(new URL('./cli/main.js', import.meta.resolve('runtrace/exporter')));

export interface ViewerProcess {
  readonly child: ChildProcess;
  readonly origin: string;
  readonly token: string;
  readonly pageUrl: string;
  /** What it and its program printed so far. */
  out(): string;
  err(): string;
  /** Asks with the token. */
  get(path: string): Promise<Response>;
  runs(): Promise<RunList>;
  detail(traceId: string): Promise<RunDetail>;
  /** Sends OTLP JSON. */
  post(body: object | string): Promise<Response>;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

export interface ViewerProcessOptions {
  /** After `view`, without the port. */
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: Record<string, string | undefined>;
}

/** Starts `runtrace view` on a free port and waits for its link. It ends with the test. */
export async function startViewer(
  t: { after(fn: () => unknown): void },
  options: ViewerProcessOptions = {},
): Promise<ViewerProcess> {
  const { port } = await freePorts('port');
  const { args = [], cwd, env } = options;
  const child = spawn(process.execPath, [BIN, 'view', '--port', String(port), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd && { cwd }),
    env: { ...process.env, ...env },
  });
  const output = outputOf(child);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    process.off('exit', kill);
  };
  t.after(stop);
  const link = () => /http:\/\/\S+\/\?token=\S+/.exec(output.out + output.err)?.[0];
  await until(() => link() !== undefined || child.exitCode !== null);
  const pageUrl = link();
  if (!pageUrl) throw new Error(`the viewer ended with ${child.exitCode}:\n${output.err}`);
  const { origin, searchParams } = new URL(pageUrl);
  const token = searchParams.get('token') as string;
  const get = (path: string) => fetch(origin + path, { headers: { authorization: `Bearer ${token}` } });
  return {
    child,
    origin,
    token,
    pageUrl,
    out: () => output.out,
    err: () => output.err,
    get,
    runs: async () => (await get('/api/runs')).json() as Promise<RunList>,
    detail: async (traceId) => (await get(`/api/runs/${traceId}`)).json() as Promise<RunDetail>,
    post: (body) => postJson(origin, typeof body === 'string' ? body : JSON.stringify(body)),
    ended,
    stop,
  };
}

/** Starts one viewer for all tests of the `describe` block in which it is called. */
export function startViewerOfBlock(started: (viewer: ViewerProcess) => void): void {
  const cleanUps: (() => unknown)[] = [];
  before(async () => started(await startViewer({ after: (fn) => cleanUps.push(fn) })));
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });
}

export function postJson(
  origin: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${origin}/v1/traces`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** An event of the page's stream. */
export interface PageEvent {
  readonly event: string;
  readonly data: unknown;
  readonly at: number;
}

/** Opens the stream of a page. `events` grows as they arrive. */
export async function openEvents(t: { after(fn: () => unknown): void }, { get }: ViewerProcess): Promise<PageEvent[]> {
  const events: PageEvent[] = [];
  const { body } = await get('/api/events');
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  t.after(() => reader.cancel().catch(() => undefined));
  void (async () => {
    const decoder = new TextDecoder();
    let text = '';
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      text += decoder.decode(next.value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
        if (event && data) events.push({ event, data: JSON.parse(data), at: performance.now() });
      }
    }
  })().catch(() => undefined);
  await until(() => events.length > 0);
  return events;
}

/** The rows that a stream has told of a run, or of all, in order. */
export function rowsIn(events: readonly PageEvent[], traceId?: string): RunRow[] {
  const rows = events.filter(({ event }) => event === 'run').map(({ data }) => data as RunRow);
  return traceId === undefined ? rows : rows.filter((row) => row.traceId === traceId);
}

/** A folder with a program and nothing but the packages that it names, as a project of a user. Its path has a space. */
export function projectWith(t: TestContext, files: Record<string, string>, packages: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'a project '));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  for (const name of packages) {
    // Copied, not linked: Node would look for what a linked package needs in the folder that the link leads to.
    const filter = (path: string) => !/\.map$|\.d\.[cm]?ts$|\/src$/.test(path);
    cpSync(resolve('node_modules', name), join(folder, 'node_modules', name), { recursive: true, filter });
  }
  return folder;
}
