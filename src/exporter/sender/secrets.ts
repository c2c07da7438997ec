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
    ...url.searchParams.values(),
  ];
  const secrets = values.filter((value) => value.length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length);
  return (text) => secrets.reduce((redacted, secret) => redacted.replaceAll(secret, '…'), text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
