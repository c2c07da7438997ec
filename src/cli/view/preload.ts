/** Loaded by `runtrace view -- COMMAND` into each Node process of the program, before the program's own code. */
import { recordGlobalFetch } from '../../recorder/global-fetch.js';

recordGlobalFetch();
