import { readOtlpFile } from '../../exporter/otlp/file-reader.js';
import { toWireRequest } from '../../exporter/otlp/json.js';
import { readSpans } from '../../view/receive/otlp-receiver.js';
import type { Viewer } from '../../view/server.js';
import { interrupted } from '../interrupted.js';
import { complain, messageOf, printLine } from '../terminal.js';
import { openViewer, type ViewOptions } from './open-viewer.js';
import { runProgram } from './run-program.js';

/** What `view` shows beside what is sent to it: OTLP files, or a program that it starts. */
export interface Shown {
  readonly files: readonly string[];
  readonly program: readonly string[] | undefined;
}

/**
 * Serves the page until it is interrupted. Returns the exit code of the process: that of the program, if it started one.
 */
export async function view({ files, program }: Shown, options: ViewOptions): Promise<number> {
  const viewer = await openViewer(options, files.length > 0);
  const { read, unreadable } = await readFiles(files, viewer);
  if (read === 0 && unreadable > 0) {
    complain(`no file to show; to start a program: runtrace view -- ${files.join(' ')}`);
    await viewer.close();
    return 1;
  }
  if (program) {
    // Beside the output of the program, which may go to a file.
    complain(`view: ${viewer.pageUrl}`);
    return await runProgram(program, viewer, options.packageUrl, async (code, stopped) => {
      // While a user looks: on a terminal until Ctrl-C, elsewhere as long as a page is open.
      if (!process.stderr.isTTY) return await Promise.race([viewer.unwatched(), stopped]);
      complain(`view: the program has ended with ${code}. Its runs stay at ${viewer.pageUrl} until Ctrl-C.`);
      await stopped;
    });
  }
  printLine(viewer.pageUrl);
  if (files.length === 0) printLine(`Waiting for spans: OTEL_EXPORTER_OTLP_ENDPOINT=${viewer.endpoint}`);
  await interrupted();
  await viewer.close();
  return unreadable > 0 ? 1 : 0;
}

/** Returns how many lines were read, and how many lines and files could not be. */
async function readFiles(
  files: readonly string[],
  { store }: Viewer,
): Promise<{ readonly read: number; readonly unreadable: number }> {
  let read = 0;
  let unreadable = 0;
  const fail = (message: string) => {
    unreadable++;
    complain(message);
  };
  for (const file of files) {
    try {
      for await (const line of readOtlpFile(file)) {
        if ('spans' in line) {
          read++;
          store.add(readSpans(toWireRequest(line.spans)).records);
        } else fail(`${file}:${line.number}: ${messageOf(line.error)}`);
      }
    } catch (error) {
      fail(messageOf(error));
    }
  }
  return { read, unreadable };
}
