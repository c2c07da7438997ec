/** Shorter values are found everywhere, and protect nothing. */
const SHORTEST_SECRET = 4;

/** A function that removes the values of headers, and the credentials and query of a URL, from text that a backend or Node wrote. */
export function redactor(headers: Readonly<Record<string, string>>, url: URL): (text: string) => string {
  const values = [
    // `Bearer TOKEN`: the token alone is a secret too.
    ...Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/)]),
    url.username,
    url.password,
    decoded(url.username),
    decoded(url.password),
    // As Node sends them: an endpoint may quote the header.
    Buffer.from(`${decoded(url.username)}:${decoded(url.password)}`).toString('base64'),
    ...url.searchParams.values(),
  ];
  // As they are, and as a JSON text quotes them.
  const secrets = [...new Set(values.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]))]
    .filter((value) => value.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
  return (text) =>
    secrets.reduce((redacted, secret) => withoutBeginning(redacted.replaceAll(secret, '…'), secret), text);
}

/** A text that was cut off may end in the middle of a secret. */
function withoutBeginning(text: string, secret: string): string {
  for (let length = Math.min(secret.length - 1, text.length); length >= SHORTEST_SECRET; length--) {
    if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}…`;
  }
  return text;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
