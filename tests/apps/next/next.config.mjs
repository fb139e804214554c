/** The package in Next.js, with nothing configured for it but that the site is one of files. */

export default { output: "export" };
