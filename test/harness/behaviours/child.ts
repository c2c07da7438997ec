/** The second way in: started with `--import runtrace/register`, it tries everything with clients that have no `fetch` option. */

import { startProvider } from '../../../examples/demo/provider.js';
import { startRecording } from './record.js';
import { type Extent, tryAll } from './trials.js';

process.once('message', async (extent: Extent) => {
  const provider = await startProvider();
  const tried = await tryAll(startRecording(provider), extent, false);
  process.send?.(tried, async () => {
    await provider.close();
    process.disconnect();
  });
});
