/** `0.0.0.0` and `::` are no addresses to connect to, but systems take them for this machine. */
const LOCAL_NAMES = new Set(['localhost', '::1', '0.0.0.0', '::']);

/** Whether a host's name means this machine. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[|\]$/g, '');
  return LOCAL_NAMES.has(name) || name.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(name);
}
