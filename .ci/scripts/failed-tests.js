import { relative } from 'node:path';

/** A reporter of node:test: each test that failed, by its file and its name. A suite fails with its tests, and is left out. */
// biome-ignore lint/style/noDefaultExport: node:test takes the default export of a reporter's file.
export default async function* failedTests(source) {
  for await (const { type, data } of source) {
    if (type !== 'test:fail' || data.details.error?.failureType === 'subtestsFailed') continue;
    yield `${relative('.', data.file ?? data.name)}\t${data.name}\n`;
  }
}
