import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Another tool: what it makes of a text. Returns the text with its secrets replaced. */
export type Redact = (text: string) => Promise<string> | string;

/** The folder in the sources; this file runs from `build/`. */
const FOLDER = fileURLToPath(new URL('../../../../test/harness/secrets/compare/', import.meta.url));

interface LangSmith {
  createSecretAnonymizer(): (data: string) => string;
}

interface SecretlintCore {
  lintSource(options: object): Promise<{ messages: { range: [number, number] }[] }>;
}

interface SecretlintRules {
  creator: unknown;
}

/** The tools that runtrace is compared with, by name; installs them first. Throws if they can't be installed. */
export async function otherTools(): Promise<Record<string, Redact>> {
  if (!existsSync(`${FOLDER}node_modules`)) {
    execFileSync('npm', ['ci', '--silent', '--ignore-scripts'], { cwd: FOLDER, stdio: 'inherit' });
  }
  const langsmith = await load<LangSmith>('langsmith/anonymizer');
  const core = await load<SecretlintCore>('@secretlint/core');
  const rules = await load<SecretlintRules>('@secretlint/secretlint-rule-preset-recommend');
  const config = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: rules.creator }] };
  return {
    LangSmith: langsmith.createSecretAnonymizer(),
    secretlint: async (content) => {
      const source = { content, filePath: 'text.txt', ext: '.txt', contentType: 'text' };
      const { messages } = await core.lintSource({ source, options: { config, noPhysicFilePath: true } });
      let redacted = content;
      for (const { range } of messages.sort((a, b) => b.range[0] - a.range[0])) {
        redacted = `${redacted.slice(0, range[0])}REDACTED${redacted.slice(range[1])}`;
      }
      return redacted;
    },
  };
}

async function load<Module>(name: string): Promise<Module> {
  return import(pathToFileURL(createRequire(`${FOLDER}package.json`).resolve(name)).href);
}
