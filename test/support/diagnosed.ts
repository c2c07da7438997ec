import type { TestContext } from 'node:test';
import { DiagLogLevel, diag } from '@opentelemetry/api';

/**
 * What runtrace reports through `diag` from now on until the test ends. The counts behind it are the process's: a sentence is said the 1st,
 * the 10th, the 100th time.
 */
export function diagnosed(t: Pick<TestContext, 'after'>): readonly string[] {
  const messages: string[] = [];
  const collect = (message: string) => void (message.startsWith('runtrace: ') && messages.push(message));
  const ignore = () => {};
  diag.setLogger(
    { error: collect, warn: collect, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true },
  );
  t.after(() => diag.disable());
  return messages;
}
