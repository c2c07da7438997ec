import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The licences of the packages whose code is in a bundle of esbuild, each text once. Fails if a package has none. */
export function licencesOf({ outputs }) {
  const files = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  const folders = new Set(files.map(([file]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean));
  const packagesByText = new Map();
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
    const text =
      texts.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n') ||
      noticesOf(files.map(([file]) => file).filter((file) => file.startsWith(`${folder}/`)));
    if (!license || !text) throw new Error(`${folder} has no licence`);
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  const parts = [...packagesByText].map(([text, packages]) => `${packages.join('\n')}\n\n${text}\n`);
  return parts.join(`\n${'-'.repeat(80)}\n\n`);
}

/** Some packages have their licence only at the top of each file. */
function noticesOf(files) {
  const notices = files.map((file) =>
    /^(?:\/\/.*\n)+/
      .exec(readFileSync(file, 'utf8'))?.[0]
      .replaceAll(/^\/\/ ?/gm, '')
      .trim(),
  );
  return [...new Set(notices)].filter((notice) => /copyright/i.test(notice)).join('\n\n');
}
