/** What can be used and is likely to be a mistake all the same: some backends answer 200 to anything, so that nothing else tells. */
import { environmentNames } from '../../util/platform.js';
import { reportWrongSetting } from '../reports.js';

/** What is wrong with the path of an endpoint of OTLP/HTTP, with the fix. `undefined` if nothing is likely to be. */
export function doubtfulPath(url: string): string | undefined {
  const { host, pathname } = new URL(url);
  const repeated = /(\/v1(?:\/traces)?)\/v1\/traces\/?$/.exec(pathname)?.[1];
  if (repeated) {
    return `${host + pathname} has ${repeated} twice: OTEL_EXPORTER_OTLP_ENDPOINT takes the URL without ${repeated}, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and url with /v1/traces once`;
  }
  const signal = /\/v1\/(metrics|logs)\/?$/.exec(pathname)?.[1];
  return signal && `${host + pathname} is for ${signal}: the path for spans is usually /v1/traces`;
}

/** What is wrong with the value of a header, with the fix; it does not quote the value. */
function doubtfulValue(value: string): string | undefined {
  if (/^(["']).*\1$/.test(value)) return 'has quotes around its value, which are sent with it; leave them out';
  if (/(?:^|\s)(?:undefined|null)$/.test(value))
    return 'ends with "undefined" or "null"; set the variable that it is made of';
  if (/\$(?:\{\w+\}|[A-Za-z_]\w*)$/.test(value))
    return 'ends with the name of a variable, which nothing has replaced by its value';
  return undefined;
}

/** Reports headers whose values are likely to be wrong. `place` says where they are given: `headers`, or the name of a variable. */
export function checkValues(place: string, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    const what = doubtfulValue(value);
    if (what) reportWrongSetting(`the header ${JSON.stringify(name)} in ${place} ${what}`);
  }
}

const SETTINGS =
  'ENDPOINT HEADERS PROTOCOL COMPRESSION TIMEOUT CERTIFICATE CLIENT_CERTIFICATE CLIENT_KEY INSECURE'.split(' ');
/** What is likely to be meant for the variables of OTLP; those of metrics and logs are read by others. */
const OF_OTLP =
  /^OTEL_EXPORTER_O(?:LTP|TLP)_(?!(?:METRIC|LOG|PROFILE)S_)|^(?:OTEL|OTLP)_(?:EXPORTER_|OTLP_|TRACES_)?(?:ENDPOINT|HEADERS)$/;

/** Reports variables that look like those of OTLP and are none. */
export function checkNames(): void {
  for (const name of environmentNames()) {
    if (!OF_OTLP.test(name) || SETTINGS.includes(name.replace(/^OTEL_EXPORTER_OTLP_(?:TRACES_)?/, ''))) continue;
    reportWrongSetting(
      `${name} is not read: the variables are OTEL_EXPORTER_OTLP_ or OTEL_EXPORTER_OTLP_TRACES_ with ${SETTINGS.slice(0, -1).join(', ')} or ${SETTINGS.at(-1)}`,
    );
  }
}
