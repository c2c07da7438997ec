/** What leaves the process of cases that went in through the public surface. */
import { type AnsweringServer, startAnsweringServer } from '../../harness/fuzz/answering-server.js';
import { findLeak, harmlessCase, type Input, secretCase } from '../../harness/fuzz/fuzz.js';
import { contentPlan, planOf } from '../../harness/fuzz/plan.js';
import { openStage, type Stage } from '../../harness/fuzz/play.js';
import { Random } from '../../harness/fuzz/random.js';

/** Cases whose spans are in one file, and that are on their way at once. */
const FILE_CASES = 200;
const AT_ONCE = 8;

const ENOUGH_BYTES = 1_000_000;

/** Nothing that a header can hold. */
const NOT_IN_HEADERS = /[^\t\x20-\x7e\x80-\xff]/;

/** Says what is wrong with the export of one case; `undefined` if nothing is. */
type Judge = (exported: string) => string | undefined;

/** Plays a case; what comes of it is judged when all of it has been exported. */
type Case = (stage: Stage, seed: number) => Promise<{ traceId: string; judge: Judge }[]>;

/** At `content`, and for one case in five at `metadata` as well, where few doors are left, nothing of the secret is in the export. */
export const secretsStay: Case = async (stage, seed) => {
  const { input, needles, arrived, maxBytes } = secretCase(seed);
  if (input.place === 'header' && NOT_IN_HEADERS.test(input.value)) return [];
  const judge: Judge = (exported) => {
    const leak = findLeak(exported, needles);
    return leak && `'${leak}' of ${JSON.stringify(input)} is in\n${around(exported, leak)}`;
  };
  const random = new Random(seed);
  const plan = planOf(input, random);
  const traceIds: string[] = [];
  for (const capture of seed % 5 === 0 ? (['content', 'metadata'] as const) : (['content'] as const)) {
    const bodyBytes = input.place === 'body' ? maxBytes : ENOUGH_BYTES;
    const length = input.place === 'body' ? arrived : Number.POSITIVE_INFINITY;
    traceIds.push(await stage.play({ plan, random, capture, arrived: length, bodyBytes }));
  }
  return traceIds.map((traceId) => ({ traceId, judge }));
};

/** At `content` everything harmless is in the export as it was. */
export const harmlessStays: Case = async (stage, seed) => {
  const { input } = harmlessCase(seed);
  const random = new Random(seed);
  const plan = planOf(input, random);
  const options = { plan, random, arrived: Number.POSITIVE_INFINITY, bodyBytes: ENOUGH_BYTES };
  const traceId = await stage.play({ ...options, capture: 'content' });
  const judge: Judge = (exported) => {
    const there = new Set(attributesIn(exported));
    // What is empty is left out.
    const lost = expected(input).find((attribute) => !there.has(attribute) && !attribute.endsWith('='));
    return lost && `of ${JSON.stringify(input)} this is not there: ${lost}\n${[...there].join('\n')}`;
  };
  return [{ traceId, judge }];
};

/** At `metadata` nothing of what was asked and answered is in the export; at `content` it is. */
export const contentStays: Case = async (stage, seed) => {
  const random = new Random(seed);
  const content = `${random.pick(['the moon', 'my knee'])} is made of\ngreen cheese #${random.integer(1, 999)}`;
  const options = { plan: contentPlan(content, random), random, arrived: Number.POSITIVE_INFINITY, bodyBytes: 1e6 };
  const hasIt: Judge = (exported) => (exported.includes('green cheese') ? undefined : `no content in ${exported}`);
  const hasNot: Judge = (exported) =>
    /is made of|green|cheese/.test(exported) ? `content in\n${around(exported, 'chees')}` : undefined;
  return [
    { traceId: await stage.play({ ...options, capture: 'content' }), judge: hasIt },
    { traceId: await stage.play({ ...options, capture: 'metadata' }), judge: hasNot },
  ];
};

/** Plays a case for each seed and gives what is wrong with them. */
export async function failuresOf(play: Case, firstSeed: number, count: number): Promise<string[]> {
  const server = await startAnsweringServer();
  const failures: string[] = [];
  try {
    for (let from = firstSeed; from < firstSeed + count; from += FILE_CASES) {
      failures.push(...(await failuresInFile(play, server, from, Math.min(from + FILE_CASES, firstSeed + count))));
    }
  } finally {
    server.close();
  }
  return failures;
}

async function failuresInFile(play: Case, server: AnsweringServer, from: number, to: number): Promise<string[]> {
  const stage = openStage(server);
  const judges = new Map<string, { seed: number; judge: Judge }>();
  let next = from;
  const worker = async () => {
    while (next < to) {
      const seed = next++;
      for (const { traceId, judge } of await play(stage, seed)) judges.set(traceId, { seed, judge });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const exported = await stage.exported();
  const failures: string[] = [];
  for (const traceId of exported.keys()) if (!judges.has(traceId)) failures.push(`trace ${traceId} is of no run`);
  for (const [traceId, { seed, judge }] of judges) {
    const lines = exported.get(traceId);
    const failure = lines === undefined ? 'nothing was exported' : judge(lines);
    if (failure !== undefined) failures.push(`seed ${seed}: ${failure}`);
  }
  return failures;
}

/** The attributes of a harmless input that have to be there, as `attributesIn` gives them. */
function expected(input: Input): string[] {
  switch (input.place) {
    case 'header':
      return [
        `http.request.header.${input.name.toLowerCase()}=${input.value}`,
        `http.response.header.${input.name.toLowerCase()}=${input.value}`,
      ];
    case 'url':
      return [`url.full=${input.url}`];
    case 'text':
      return [
        'runtrace.run.kind',
        'gen_ai.conversation.id',
        'user.id',
        'gen_ai.request.model',
        'gen_ai.tool.name',
        'gen_ai.tool.description',
        'gen_ai.request.stop_sequences',
        'exception.message',
      ].map((name) => `${name}=${input.text}`);
    case 'attribute':
      return [`${input.name}=${input.value}`];
    case 'json':
      return [`http.request.body.content=${JSON.stringify(input.value)}`];
    case 'body':
      return [`http.request.body.content=${input.text}`, `http.response.body.content=${input.text}`];
  }
}

/** `name=value` for each text, and each text of a list, in exported lines. */
function attributesIn(lines: string): string[] {
  const found: string[] = [];
  JSON.parse(`[${lines.trim().replaceAll('\n', ',')}]`, (_name, value) => {
    if (typeof value?.key === 'string') {
      const { stringValue, arrayValue } = value.value;
      for (const text of arrayValue?.values ?? [{ stringValue }]) found.push(`${value.key}=${text.stringValue}`);
    }
    return value;
  });
  return found;
}

function around(exported: string, part: string): string {
  const at = exported.indexOf(part);
  return at === -1 ? '(encoded)' : exported.slice(Math.max(0, at - 300), at + 100);
}
