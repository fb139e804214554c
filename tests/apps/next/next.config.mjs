/** The package in Next.js, with nothing configured for it: the site is one of files, and the app's packages are those beside this folder. */

import { dirname } from "node:path";

export default { output: "export", turbopack: { root: dirname(import.meta.dirname) } };
