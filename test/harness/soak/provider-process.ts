/** The provider in a process of its own, so that what it remembers is not taken for what we leak. Ends with its parent. */

import { slow, startProvider } from '../../../examples/demo/provider.js';

const provider = await startProvider();
provider.script('soak-read', slow(1, { text: 'One two three four five six seven eight.' }));
// So long that no client gets all of it by chance.
provider.script('soak-left', slow(5, { text: 'One two three four five six seven eight. '.repeat(100) }));
process.send?.(provider.url);
process.once('disconnect', () => provider.close());
