const savers = new Set<() => void>();

/**
 * Calls `save` when the process ends without a shutdown: by itself, by `process.exit()` or by an error that nobody caught. Only
 * synchronous work is possible then. One listener, however many there are.
 */
export function saveAtExit(save: () => void): void {
  if (savers.size === 0) process.on('exit', saveAll);
  savers.add(save);
}

export function forgetAtExit(save: () => void): void {
  savers.delete(save);
  if (savers.size === 0) process.off('exit', saveAll);
}

function saveAll(): void {
  // The newest first: what was made later may hand its spans to what was made before it.
  for (const save of [...savers].reverse()) save();
}
