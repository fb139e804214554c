/** The package in Next.js, with nothing configured for it. The site is static files, and the app's packages are beside this folder. */

import { dirname } from "node:path";

export default { output: "export", turbopack: { root: dirname(import.meta.dirname) } };
