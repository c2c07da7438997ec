import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Prices } from '../../view/model.js';
import { readPageFiles } from '../../view/page-files.js';
import { startViewer, type Viewer } from '../../view/server.js';
import { complain, messageOf } from '../terminal.js';
import { portHolder } from './port-holder.js';

/** The options of `view` and `tail`. */
export interface ViewOptions {
  /** Default: 4318, or the next one that is free. */
  readonly port: number | undefined;
  readonly host: string | undefined;
  /** How much the viewer may take of the machine's memory, in MB. */
  readonly memory: number;
  readonly jaegerUrl: string | undefined;
  /** The path of a price list. */
  readonly prices: string | undefined;
  /** The folder of the package. */
  readonly packageUrl: URL;
}

/** The port of OTLP/HTTP: a program that exports to nowhere in particular exports to it. */
const OTLP_PORT = 4318;
const PORTS_TRIED = 20;
const MB = 1024 * 1024;
/** What Node, the program and the largest request under way need; the rest of `--memory` is for the runs. */
const OWN_BYTES = 192 * MB;
export const LEAST_MEMORY = 200;

/**
 * Starts a viewer. Where no port was asked for and OTLP's is taken, it says what holds that and takes the next one.
 *
 * @throws Error (rejects) if it can't listen, or the price list can't be read.
 */
export async function openViewer(options: ViewOptions, files: boolean): Promise<Viewer> {
  const { packageUrl, host, jaegerUrl } = options;
  const { version } = JSON.parse(await readFile(new URL('package.json', packageUrl), 'utf8')) as { version: string };
  const page = await readPageFiles(fileURLToPath(new URL('dist/view/', packageUrl)));
  const prices = options.prices === undefined ? undefined : await readPrices(options.prices);
  const start = (port: number) =>
    startViewer({ port, host, version, page, prices, files, jaegerUrl, maxBytes: options.memory * MB - OWN_BYTES });
  // Files are shown at any port: nothing is sent there.
  if (files && options.port === undefined) return start(0);
  const wanted = options.port ?? OTLP_PORT;
  for (let port = wanted; ; port++) {
    try {
      return await start(port);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      const taken = `port ${port} is held by ${await portHolder(port)}`;
      if (options.port !== undefined || port >= wanted + PORTS_TRIED)
        throw new Error(`${taken}; try --port ${port + 1}`);
      complain(`${taken}; taking the next one`);
    }
  }
}

async function readPrices(path: string): Promise<Prices> {
  try {
    const prices = parsePrices(await readFile(path, 'utf8'));
    for (const [model, price] of Object.entries(prices)) {
      const isPrice = [price?.input, price?.output, price?.cacheRead ?? 0, price?.cacheWrite ?? 0].every(
        Number.isFinite,
      );
      if (!isPrice)
        throw new Error(`the price of '${model}' must be { "input": …, "output": … }, in dollars per million tokens`);
    }
    return prices;
  } catch (error) {
    throw new Error(`the price list can't be used: ${messageOf(error)}`);
  }
}

/** The message of `JSON.parse` quotes the file, which may be another one than was meant. */
function parsePrices(text: string): Prices {
  try {
    return JSON.parse(text) as Prices;
  } catch {
    throw new Error('it is not JSON');
  }
}
