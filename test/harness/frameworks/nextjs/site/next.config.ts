// biome-ignore lint/style/noDefaultExport: Next.js reads it.
export default { serverExternalPackages: ['runtrace'] };
